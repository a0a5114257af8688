/** What the library's own check lets through, or does not put well. */
import { messageOf } from '../../core/errors.js';
import type { Labels } from '../types.js';
import { type Ast, fieldOf, literalArgument, stringOf, walk } from './ast.js';
import { checkNetwork } from './cidr.js';
import { meantField } from './names.js';
import { schemaOf } from './schema.js';
import { wrongDuration, wrongTimestamp } from './times.js';

/** What is wrong with a condition, for a person. */
export class ConditionError extends Error {}

/** CEL itself lets `has()` ask for a field that does not exist. Throws ConditionError. */
export function checkNames(ast: Ast, labels: Labels | undefined): void {
  if (labels === undefined) return;
  walk(ast, (node) => {
    const [object, name] = fieldOf(node) ?? indexOf(node) ?? [];
    const fields = object === undefined ? undefined : schemaOf(labels)[object];
    if (object !== undefined && name !== undefined && fields !== undefined && !Object.hasOwn(fields, name)) {
      const what = `${object}.${name} is not a known fact or declared label`;
      throw new ConditionError(`${what}: ${meantField(object, name, labels)}`);
    }
  });
}

/** `user['team']`, as `['user', 'team']`. */
function indexOf(node: Ast): [string, string] | undefined {
  if (node.op !== '[]') return undefined;
  const [object, index] = node.args;
  const name = stringOf(index);
  return object.op === 'id' && name !== undefined ? [object.args, name] : undefined;
}

/** What the library's own check lets through and a condition may not hold. Throws ConditionError. */
export function checkNodes(ast: Ast): void {
  walk(ast, checkNode);
}

function checkNode(node: Ast): void {
  checkTypes(node);
  checkAddress(node);
  refuse(literalArgument(node, 'duration'), wrongDuration);
  refuse(literalArgument(node, 'timestamp'), wrongTimestamp);
  if (node.op === 'call' && node.args[0] === 'cidr') checkCidr(node.args[1]);
  if (node.op === 'rcall' && node.args[0] === 'matches') checkRegex(stringOf(node.args[2][0]));
  if (node.op === 'call' && node.args[0] === 'matches') checkRegex(stringOf(node.args[1][1]));
  if (node.op === 'rcall' && ZONED.test(node.args[0])) checkZone(stringOf(node.args[2][0]));
}

/** Of a timestamp: `getHours()` in UTC, `getHours('Europe/Berlin')` elsewhere. */
const ZONED = /^get(FullYear|Month|Date|DayOf\w+|Hours|Minutes|Seconds|Milliseconds)$/;

function checkZone(zone: string | undefined): void {
  if (zone === undefined) return;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw new ConditionError(`'${zone}' is no time zone known here; write one as 'Europe/Berlin'`);
  }
}

/** No fact is of these types, and the library is not exact about them where they meet the others. */
const NO_TYPES = new Set(['uint', 'bytes', 'dyn', 'type']);

function checkTypes(node: Ast): void {
  const called = node.op === 'call' ? node.args[0] : undefined;
  const literal = node.op === 'value' && typeof node.args === 'object' && node.args !== null;
  if ((called !== undefined && NO_TYPES.has(called)) || literal)
    throw new ConditionError('conditions know no uint, bytes, dyn and type: no fact is of that kind');
}

function checkCidr([ip, net]: Ast[]): void {
  const [first, second] = [stringOf(ip), stringOf(net)];
  if (first !== undefined && second === undefined)
    throw new ConditionError(`cidr() takes the address first: cidr(source.ip, '${first}')`);
  if (second === undefined) return;
  try {
    checkNetwork(second);
  } catch (error) {
    throw new ConditionError(`cidr: ${messageOf(error)}`);
  }
}

/** An address is never the text of a network. */
function checkAddress(node: Ast): void {
  if (node.op !== '==' && node.op !== '!=') return;
  if (!node.args.some((side) => fieldOf(side)?.join('.') === 'source.ip')) return;
  const net = node.args.map(stringOf).find((text) => text?.includes('/'));
  if (net === undefined) return;
  const not = node.op === '!=' ? '!' : '';
  throw new ConditionError(`source.ip is one address, never ${net}: write ${not}cidr(source.ip, '${net}')`);
}

function refuse(text: string | undefined, wrong: (text: string) => string | undefined): void {
  const message = text === undefined ? undefined : wrong(text);
  if (message !== undefined) throw new ConditionError(message);
}

/** CEL promises regular expressions in linear time; JavaScript's backtrack. What can explode is not let in. */
function checkRegex(regex: string | undefined): void {
  if (regex === undefined) throw new ConditionError('matches() takes its expression as a literal string here');
  if (regex.length > 200 || /\)[*+{?]|\\\d|\(\?/.test(regex)) {
    throw new ConditionError(
      `matches('${regex}') repeats a group or looks around, which can take for ever; write it without`,
    );
  }
}
