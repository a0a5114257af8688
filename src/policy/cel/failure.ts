/** The library's word on a condition it does not take, put for a person, with what to write instead. */
import type { Labels } from '../types.js';
import { unquoted } from './conjuncts.js';
import { meantFunction, meantObject } from './names.js';

/** Characters of a condition, beside what is wrong with it. */
const SHOWN = 200;

/** One line. */
export function sayFailure(text: string, summary: string, labels: Labels | undefined): string {
  const [first = ''] = summary.split('\n');
  const hint = hintFor(text, first, labels);
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return `${plain(first)} in: ${shown}${hint === undefined ? '' : ` (${hint})`}`;
}

const TOKENS: Readonly<Record<string, string>> = {
  EOF: 'the end',
  AND: '&&',
  OR: '||',
  RBRACKET: ']',
  RPAREN: ')',
  LPAREN: '(',
  COMMA: 'a comma',
  IDENTIFIER: 'a name',
  NUMBER: 'a number',
  STRING: 'text',
};

const plain = (summary: string): string =>
  summary
    .replaceAll('google.protobuf.Duration', 'duration')
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replace(/^Unknown variable: (.*)$/, '$1 is not a known fact')
    .replace(/^found no matching overload for '(.*)'$/, 'no such function: $1')
    .replace(/^no such overload: (.*)$/, 'no such operation: $1')
    .replaceAll(/\$([a-z]+)/g, '$1')
    .replaceAll(/\b[A-Z]{2,}\b/g, (token) => (Object.hasOwn(TOKENS, token) ? (TOKENS[token] ?? token) : token));

function hintFor(text: string, summary: string, labels: Labels | undefined): string | undefined {
  if (unbalanced(text)) return 'a field that holds a comma must be put in double quotes';
  const unknown = /^Unknown variable: (\w+)/.exec(summary)?.[1];
  if (unknown !== undefined) return meantObject(unknown, new RegExp(`\\b${unknown}\\.(\\w+)`).exec(text)?.[1], labels);
  const called = /^found no matching overload for '(?:.*?\.)?(\w+)\((.*)\)/.exec(summary);
  if (called) return calledWrongly(called[1] ?? '', called[2] ?? '');
  const types = /^no such overload: (\S+) (\S+) (\S+)$/.exec(summary);
  if (types) return comparedWrongly(types[1] ?? '', types[2] ?? '', types[3] ?? '', text);
  if (summary.startsWith('Logical operator')) return "compare it with something, as in approval.by != ''";
  return /^(Unexpected|Expected)/.test(summary) ? miswritten(unquoted(text)) : undefined;
}

function unbalanced(text: string): boolean {
  const count = (c: string) => text.split(c).length - 1;
  return count('(') !== count(')') || count("'") % 2 === 1 || count('[') !== count(']');
}

function calledWrongly(name: string, operands: string): string {
  if (name === 'cidr' && operands.includes('list'))
    return "one network a call: cidr(source.ip, '10.0.0.0/8') || cidr(source.ip, 'fd00::/8')";
  return meantFunction(name);
}

function comparedWrongly(a: string, operator: string, b: string, text: string): string | undefined {
  const sides = [a, b];
  const either = (type: string) => sides.includes(type);
  const object = sides.find((side) => side.startsWith('$'))?.slice(1);
  if (object !== undefined) return `name one of its facts, as in ${object}.…`;
  if (either('google.protobuf.Duration')) return "a length of time is written duration('15m')";
  if (either('google.protobuf.Timestamp')) return "a moment is written timestamp('2026-12-31T18:00:00Z')";
  if (operator === 'in' && b === 'string')
    return text.includes('source.ip')
      ? "an address in a network is cidr(source.ip, '10.0.0.0/8')"
      : "in takes a list, as in user.team in ['red', 'blue']";
  if (!either('string')) return either('double') && either('int') ? 'write 10.0, not 10, beside a double' : undefined;
  if (either('bool')) return 'true and false stand without quotes';
  if (text.includes('time.weekday')) return 'weekdays are 0, Sunday, to 6';
  return either('int') || either('double') ? 'numbers stand without quotes, text in quotes' : undefined;
}

/** What people write who know other languages. `bare` is the text without what is in quotes. */
function miswritten(bare: string): string | undefined {
  if (/\d\s*:\s*\d\d/.test(bare)) return 'hours are whole: time.hour >= 7 && time.hour < 20';
  if (/\b\d+(ms|s|m|min|h|d)\b/.test(bare)) return "a length of time is written duration('15m')";
  if (/\b(and|or|not|between|like|is)\b/i.test(bare)) return 'CEL writes && for and, || for or, ! for not';
  if (/[^=!<>]=[^=]/.test(bare)) return '== compares';
  return undefined;
}
