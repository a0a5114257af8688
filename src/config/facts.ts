/** Which facts may be told from outside, by hand or by a feed, and of which type. */
import { nearest } from '../core/names.js';
import type { Labels, LabelType } from '../policy/types.js';
import { hasType } from './labels.js';

export type ToldValue = string | number | boolean;

/** Longest text a fact may be. Unit: characters. */
const MAX_TEXT = 1_000;

/** What follows from the session itself, and how it is changed. */
const NEVER: Readonly<Record<string, string>> = {
  time: 'it is the clock',
  session: 'it counts from the login',
  auth: 'it follows from the login',
  mfa: 'it counts from the last second factor',
  approval: 'an approval gives it',
  source: 'source.ip is the address of the client, and source.country comes from a country database (context.feeds)',
  target: 'labels of targets stand under targets in sallyport.yaml',
};

/** The type of a fact that may be told; undefined: none of that name may. */
export function typeOfFact(name: string, labels: Labels): LabelType | undefined {
  if (name === 'risk.score') return 'double';
  const [group, label = ''] = splitName(name);
  if (group !== 'user' && group !== 'device') return undefined;
  return Object.hasOwn(labels[group], label) ? labels[group][label] : undefined;
}

/** Why this cannot be told, for a person; undefined: it can. The name is as it came and must be escaped where shown. */
export function wrongFact(name: string, value: unknown, labels: Labels): string | undefined {
  const type = typeOfFact(name, labels);
  if (type === undefined) return unknownFact(name, labels);
  if (!hasType(value, type)) return `${name} is of type ${type}, not ${shown(value)}${hint(type)}`;
  if (typeof value === 'string' && value.length > MAX_TEXT) return `${name} is longer than ${MAX_TEXT} characters`;
  return undefined;
}

/** Why no fact of that name can be told. */
export function unknownFact(name: string, labels: Labels): string {
  const [group, label = ''] = splitName(name);
  const never = Object.hasOwn(NEVER, group) ? NEVER[group] : undefined;
  if (never !== undefined) return `${name} cannot be set: ${never}`;
  const known = tellable(labels);
  const near = nearest(name, known);
  if (near !== undefined) return `${name} is no fact: did you mean ${near}?`;
  if ((group === 'user' || group === 'device') && label !== '')
    return `${name} is not declared: write ${label}: bool (or string, int, double) under labels.${group} in sallyport.yaml`;
  return `${name} is no fact: there are ${known.join(', ')}`;
}

/** Every name that may be told. */
export function tellable(labels: Labels): string[] {
  const of = (group: 'user' | 'device') => Object.keys(labels[group]).map((label) => `${group}.${label}`);
  return ['risk.score', ...of('device'), ...of('user')];
}

function splitName(name: string): [string, string?] {
  const dot = name.indexOf('.');
  return dot < 0 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
}

const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

const hint = (type: LabelType) => (type === 'string' ? ': put text that looks like a number in quotes, \'"12"\'' : '');
