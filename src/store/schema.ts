/** What a store file must be to be believed. */
import { z } from 'zod';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { isFingerprint, isRoleName, isTargetPattern, isUserName } from '../core/names.js';
import type { FactValue } from '../policy/types.js';
import type { StoreData } from './types.js';

/** ms since the epoch; the bound is JavaScript's own for dates. */
const time = z.number().int().min(0).max(8.64e15);
const text = z.string().max(10_000);
const fact: z.ZodType<FactValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.array(fact), z.record(z.string(), fact)]),
);
const userName = z.string().refine(isUserName, 'not a user name');

const key = z.strictObject({
  fp: z.string().refine(isFingerprint, 'not a fingerprint'),
  type: text,
  data: z.base64(),
  comment: text,
  addedAt: time,
  expiresAt: time.exactOptional(),
});

const factor = z.strictObject({
  secret: z.string().regex(/^[A-Z2-7]{32}$/, 'not a secret'),
  enrolledAt: time,
  lastStep: z.number().int().min(0).exactOptional(),
  recovery: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(100),
});

const user = z.strictObject({
  name: userName,
  createdAt: time,
  account: text.exactOptional(),
  keys: z.array(key),
  labels: z.record(z.string(), fact),
  factor: factor.exactOptional(),
});

const grant = z.strictObject({
  id: text,
  user: userName,
  role: z.string().refine(isRoleName, 'not a role name'),
  target: z.string().refine(isTargetPattern, 'not a target pattern'),
  from: time,
  until: time.exactOptional(),
  reason: text,
  by: text,
  createdAt: time,
  revokedAt: time.exactOptional(),
  revokedBy: text.exactOptional(),
  request: text.exactOptional(),
});

const request = z.strictObject({
  id: text,
  user: userName,
  role: z.string().refine(isRoleName, 'not a role name'),
  target: z.string().refine(isTargetPattern, 'not a target pattern'),
  forMs: time.min(1),
  reason: text,
  at: time,
  expiresAt: time,
  state: z.enum(['waiting', 'approved', 'refused', 'expired', 'withdrawn']),
  by: text.exactOptional(),
  decidedAt: time.exactOptional(),
  why: text.exactOptional(),
  grant: text.exactOptional(),
});

const lock = z.strictObject({
  id: text,
  kind: z.enum(['user', 'key', 'target', 'everyone']),
  subject: text.exactOptional(),
  reason: text,
  by: text,
  from: time,
  until: time.exactOptional(),
  liftedAt: time.exactOptional(),
  liftedBy: text.exactOptional(),
});

const setFact = z.strictObject({
  subject: z.string().refine((s) => isUserName(s) || isFingerprint(s), 'neither a user name nor a fingerprint'),
  name: text,
  value: z.union([z.string(), z.number(), z.boolean()]),
  at: time,
  until: time.exactOptional(),
  by: text,
});

const storeData = z.strictObject({
  format: z.literal(1),
  users: z.array(user),
  grants: z.array(grant),
  locks: z.array(lock),
  /** Stores of before facts could be set have none. */
  facts: z.array(setFact).default([]),
  /** Nor requests, of before there were any. */
  requests: z.array(request).default([]),
});

export const EMPTY: StoreData = deepFreeze({ format: 1, users: [], grants: [], locks: [], facts: [], requests: [] });

/** Reads a store's text. Throws an Error that says, in a few words, why it cannot be one. */
export function parseStore(textOfFile: string): StoreData {
  if (textOfFile.trim() === '') throw new Error('it is empty');
  let value: unknown;
  try {
    value = JSON.parse(textOfFile);
  } catch {
    throw new Error('it is not JSON');
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    typeof value.format === 'number' &&
    value.format > 1
  )
    throw new SallyportError('failed', `it is of format ${value.format}, written by a newer sallyport`);
  const result = storeData.safeParse(value);
  if (!result.success) throw new Error(firstIssue(result.error));
  checkUnique(result.data);
  return deepFreeze(result.data);
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  const where = issue?.path.map(String).join('.') ?? '';
  if (where === '' && issue?.code !== 'unrecognized_keys') return 'it is not a store';
  return escapeText(`${where === '' ? '' : `${where}: `}${issue?.message ?? 'wrong'}`, 300);
}

function checkUnique(data: StoreData): void {
  unique(
    'user',
    data.users.map((u) => u.name),
  );
  unique(
    'key',
    data.users.flatMap((u) => u.keys.map((k) => k.fp)),
  );
  unique(
    'grant',
    data.grants.map((g) => g.id),
  );
  unique(
    'lock',
    data.locks.map((l) => l.id),
  );
  unique(
    'fact',
    data.facts.map((f) => `${f.name} of ${f.subject}`),
  );
  unique(
    'request',
    data.requests.map((r) => r.id),
  );
}

function unique(what: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new Error(`${what} ${escapeText(name)} is there twice`);
    seen.add(name);
  }
}

const lines = new WeakMap<object, string>();

/**
 * The text of a store: one record a line, so that it can be read and compared. A record's line is kept as long as the
 * record: records never change, and ten thousand of them need not be written anew for each commit.
 */
export function formatStore(data: StoreData): string {
  const list = (records: readonly object[]) => (records.length === 0 ? '[]' : `[\n${records.map(line).join(',\n')}\n]`);
  return `{"format":1,\n"users":${list(data.users)},\n"grants":${list(data.grants)},\n"locks":${list(data.locks)},\n"facts":${list(data.facts)},\n"requests":${list(data.requests)}}\n`;
}

function line(record: object): string {
  const known = lines.get(record);
  if (known !== undefined) return known;
  const fresh = JSON.stringify(record);
  if (Object.isFrozen(record)) lines.set(record, fresh);
  return fresh;
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
