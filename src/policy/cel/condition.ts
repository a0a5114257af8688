import { messageOf } from '../../core/errors.js';
import type { Facts } from '../facts.js';
import type { Effect, Labels } from '../types.js';
import { type Ast, fieldOf, literalArgument, stringOf, walk } from './ast.js';
import { checkNetwork } from './cidr.js';
import { durationMs, environmentFor, timestampMs } from './environment.js';
import { schemaOf } from './schema.js';

export interface Condition {
  readonly text: string;
  /** Throws where CEL has an error, a missing fact included. */
  evaluate(facts: Facts): boolean;
  readonly ast: Ast;
  /** True for the condition `true`. */
  readonly always: boolean;
}

/** What is wrong with a condition, for a person. */
export class ConditionError extends Error {}

/** Reads and type-checks the `when` column of a rule. Throws ConditionError. */
export function compileCondition(text: string, labels: Labels | undefined): Condition {
  const parsed = parse(text, labels);
  const check = parsed.check();
  check.valid ? expectBool(text, check.type, labels) : fail(text, check.error?.summary ?? 'it does not check');
  checkNodes(parsed.ast, labels);
  const always = parsed.ast.op === 'value' && parsed.ast.args === true;
  return { text, ast: parsed.ast, always, evaluate: (facts) => parsed(facts as Record<string, unknown>) === true };
}

/** A condition in its row: an error or a missing fact is false in an allow row and true in a deny row. */
export function holdsFor(condition: Condition | undefined, effect: Effect, facts: () => Facts): boolean {
  if (condition?.always) return true;
  try {
    return condition === undefined ? effect === 'deny' : condition.evaluate(facts());
  } catch {
    return effect === 'deny';
  }
}

function parse(text: string, labels: Labels | undefined) {
  if (text === '') throw new ConditionError('the condition is empty; write true for always');
  try {
    return environmentFor(labels).parse(text);
  } catch (error) {
    return fail(text, error instanceof Error && 'summary' in error ? String(error.summary) : messageOf(error));
  }
}

function expectBool(text: string, type: string | undefined, labels: Labels | undefined): void {
  if (type !== 'bool' && !(type === 'dyn' && labels === undefined))
    throw new ConditionError(`${text} is ${type ?? 'unknown'}, not a condition; it must be true or false`);
}

function fail(text: string, summary: string): never {
  const key = /^No such key: (.*)$/.exec(summary)?.[1];
  if (key !== undefined)
    throw new ConditionError(
      `${key} is not a known fact or declared label (labels are declared in sallyport.yaml) in: ${text}`,
    );
  throw new ConditionError(`${summary.split('\n')[0]} in: ${text}${hintFor(text, summary)}`);
}

function hintFor(text: string, summary: string): string {
  if (unbalanced(text)) return ' (a field that holds a comma must be put in double quotes)';
  return /double \S+ int|int \S+ double/.test(summary) ? ' (write 10.0, not 10, beside a double)' : '';
}

function unbalanced(text: string): boolean {
  const count = (c: string) => text.split(c).length - 1;
  return count('(') !== count(')') || count("'") % 2 === 1 || count('[') !== count(']');
}

/** What the library's own check lets through and a condition may not hold. Throws ConditionError. */
export function checkNodes(ast: Ast, labels: Labels | undefined): void {
  walk(ast, (node) => checkNode(node, labels));
}

function checkNode(node: Ast, labels: Labels | undefined): void {
  checkField(node, labels);
  checkTypes(node);
  checkDuration(literalArgument(node, 'duration'));
  checkTimestamp(literalArgument(node, 'timestamp'));
  if (node.op === 'call' && node.args[0] === 'cidr') checkCidr(node.args[1][1]);
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

/** CEL itself lets `has()` ask for a field that does not exist. */
function checkField(node: Ast, labels: Labels | undefined): void {
  const field = fieldOf(node);
  if (field === undefined || labels === undefined) return;
  const fields = schemaOf(labels)[field[0]];
  if (fields !== undefined && !Object.hasOwn(fields, field[1])) {
    throw new ConditionError(`${field.join('.')} is not a known fact or declared label`);
  }
}

/** Beyond these the library answers where CEL has an error; nothing here lasts so long or lies so far. Unit: ms. */
const LONGEST = 1_000_000 * 3_600_000;
const EARLIEST = Date.parse('1970-01-01T00:00:00Z');
const LATEST = Date.parse('3000-01-01T00:00:00Z');

function checkDuration(text: string | undefined): void {
  if (text === undefined) return;
  const ms = durationMs(text);
  if (ms === undefined) throw new ConditionError(badDuration(text));
  if (/[nuµ]s/.test(text) || Math.abs(ms) > LONGEST)
    throw new ConditionError(`duration('${text}'): durations here are 1ms to 1000000h`);
}

function checkTimestamp(text: string | undefined): void {
  if (text === undefined) return;
  const at = timestampMs(text);
  if (at === undefined || at < EARLIEST || at >= LATEST)
    throw new ConditionError(
      `timestamp('${text}') is no moment from 1970 to 2999; write one as timestamp('2026-12-31T18:00:00Z')`,
    );
}

function badDuration(text: string): string {
  const days = /^(\d+)d$/.exec(text)?.[1];
  const hint = days === undefined ? "write one as duration('1h30m')" : `write duration('${Number(days) * 24}h')`;
  return `duration('${text}') is not a CEL duration, whose longest unit is the hour; ${hint}`;
}

function checkCidr(node: Ast | undefined): void {
  const net = stringOf(node);
  if (net === undefined) return;
  try {
    checkNetwork(net);
  } catch (error) {
    throw new ConditionError(messageOf(error));
  }
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
