/** What a misspelt name in a condition may have meant. */
import { nearest } from '../../core/names.js';
import type { Labels } from '../types.js';
import { schemaOf } from './schema.js';

/** What conditions may call, as they are written. */
const USAGE: Readonly<Record<string, string>> = {
  cidr: "cidr(source.ip, '10.0.0.0/8')",
  duration: "duration('15m')",
  timestamp: "timestamp('2026-12-31T18:00:00Z')",
  has: 'has(risk.score)',
  size: 'size(user.team)',
  int: "int('3')",
  double: 'double(3)',
  string: 'string(3)',
  matches: "user.team.matches('^ops')",
  startsWith: "user.team.startsWith('ops')",
  endsWith: "user.team.endsWith('ops')",
  contains: "user.team.contains('ops')",
  lowerAscii: 'user.team.lowerAscii()',
  exists: '[1, 2].exists(x, x == time.weekday)',
  all: '[1, 2].all(x, x != time.weekday)',
  getHours: "time.now.getHours('Europe/Berlin')",
  getMinutes: "time.now.getMinutes('Europe/Berlin')",
  getDayOfWeek: "time.now.getDayOfWeek('Europe/Berlin')",
  getDate: "time.now.getDate('Europe/Berlin')",
  getMonth: "time.now.getMonth('Europe/Berlin')",
  getFullYear: "time.now.getFullYear('Europe/Berlin')",
};

/** Of a name that is no object of the context, and the field that follows it, if any does. */
export function meantObject(name: string, field: string | undefined, labels: Labels | undefined): string {
  const schema = schemaOf(labels ?? NONE);
  const facts = factsOf(schema);
  if (field !== undefined) {
    const near = nearest(`${name}.${field}`, facts) ?? nearest(name, Object.keys(schema));
    return near === undefined ? listed(schema) : `did you mean ${near}?`;
  }
  const same = facts.filter((fact) => fact.endsWith(`.${name.toLowerCase()}`));
  if (same.length > 0) return `did you mean ${same.join(' or ')}?`;
  const near = nearest(name, Object.keys(schema));
  if (near !== undefined) return `did you mean ${near}.…?`;
  return `text stands in quotes, as in '${name}'; ${listed(schema)}`;
}

/** Of a field its object does not have. */
export function meantField(object: string, field: string, labels: Labels): string {
  const schema = schemaOf(labels);
  const fields = Object.keys(schema[object] ?? {});
  const own = nearest(field, fields);
  const near = own === undefined ? nearest(`${object}.${field}`, factsOf(schema)) : `${object}.${own}`;
  if (near !== undefined) return `did you mean ${near}?`;
  if (Object.hasOwn(labels, object)) return `declare it under labels.${object} in sallyport.yaml`;
  return `there is ${fields.map((known) => `${object}.${known}`).join(', ')}`;
}

/** Of a function there is not, or not with these operands. */
export function meantFunction(name: string): string {
  const near = Object.hasOwn(USAGE, name) ? name : nearest(name, Object.keys(USAGE));
  if (near === undefined) return `there are ${Object.keys(USAGE).join(', ')}`;
  return near === name ? `write it as ${USAGE[near]}` : `did you mean ${near}, as in ${USAGE[near]}?`;
}

const NONE: Labels = { user: {}, target: {}, device: {} };

const factsOf = (schema: ReturnType<typeof schemaOf>): string[] =>
  Object.entries(schema).flatMap(([object, fields]) => Object.keys(fields).map((field) => `${object}.${field}`));

const listed = (schema: ReturnType<typeof schemaOf>) => `facts are of ${Object.keys(schema).join(', ')}`;
