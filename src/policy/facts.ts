import { celDuration } from './cel/environment.js';
import type { BaseFacts, FactValue, Labels, LabelType } from './types.js';
import { zoneTime } from './zone.js';

/** What CEL sees: objects by name, their fields as CEL values (whole numbers are bigint). Missing facts are absent. */
export type Facts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * The facts of a session at a moment of wall time, ms. With labels, values take their declared types and undeclared
 * ones stay out of sight; a value that is not of its declared type stays, so that using it is an error.
 */
export function factsAt(base: BaseFacts, atMs: number, labels?: Labels): Facts {
  return {
    user: typed(base.user, labels?.user),
    target: typed(base.target, labels?.target),
    device: typed(base.device, labels?.device),
    source: { ...base.source },
    auth: { ...base.auth },
    risk: { ...base.risk },
    approval: { ...base.approval },
    time: timeFacts(base.timezone, atMs),
    session: { age: celDuration(Math.max(0, atMs - base.startedAt)) },
    mfa: base.mfaAt === undefined ? {} : { age: celDuration(Math.max(0, atMs - base.mfaAt)) },
  };
}

function timeFacts(timezone: string, atMs: number): Record<string, unknown> {
  const { hour, weekday } = zoneTime(timezone, atMs);
  return { now: new Date(atMs), hour: BigInt(hour), weekday: BigInt(weekday) };
}

function typed(
  values: Record<string, FactValue>,
  types: Record<string, LabelType> | undefined,
): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(values)) {
    if (types === undefined) result[name] = untyped(value);
    else if (Object.hasOwn(types, name)) result[name] = types[name] === 'int' ? toInt(value) : value;
  }
  return { ...result };
}

function untyped(value: FactValue): unknown {
  if (Array.isArray(value)) return value.map(untyped);
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, untyped(v)]));
  return toInt(value);
}

function toInt(value: FactValue): FactValue | bigint {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** A value for a person: `unknown` where it is missing, whole seconds for a duration. */
export function showFact(value: unknown): string {
  if (value === undefined) return 'unknown';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null && 'getMilliseconds' in value) return `${ageOf(value)}s`;
  return String(value);
}

function ageOf(duration: object): number {
  const seconds: unknown = 'seconds' in duration ? duration.seconds : 0n;
  return Number(seconds);
}
