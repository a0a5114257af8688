/** What an act sees and what it answers: acts are pure, `authority.ts` makes their outcome true. */
import type { Config } from '../config/types.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { nearest } from '../core/names.js';
import type { AccessRequest, Grant, Lock, SetFact, StoreData, User } from '../store/types.js';
import type { News } from './emitter.js';
import type { FactsIndex } from './facts-index.js';
import type { ToldFacts } from './told-facts.js';
import type { PolicyView } from './types.js';

export interface Scene {
  readonly data: StoreData;
  readonly index: FactsIndex;
  readonly policy: PolicyView;
  readonly config: Config;
  readonly now: number;
  /** What feeds say. */
  readonly told: ToldFacts;
  /** The country of an address, ISO 3166 alpha-2; undefined: nobody knows. */
  countryOf(ip: string): string | undefined;
}

export interface Act<R> {
  data: StoreData;
  /** Records to put into the index; those revoked or lifted leave it. */
  users?: readonly User[];
  grants?: readonly Grant[];
  locks?: readonly Lock[];
  facts?: readonly SetFact[];
  droppedFacts?: readonly SetFact[];
  requests?: readonly AccessRequest[];
  removedUser?: string;
  news: News;
  result: R;
}

const MAX_TEXT = 1000;

export function userOf(scene: Scene, name: string): User {
  const user = scene.index.user(name);
  if (user) return user;
  const near = nearest(
    name,
    [...scene.index.users()].map((u) => u.name),
  );
  throw new SallyportError(
    'not-found',
    `no user ${escapeText(name, 60)}: ${near === undefined ? '`sallyport user list` shows who there is' : `did you mean ${near}?`}`,
  );
}

export function usage(message: string): never {
  throw new SallyportError('usage', message);
}

/** A reason is a sentence a person can read later. */
export function checkReason(reason: string): string {
  const text = reason.trim();
  if (text === '') usage('a reason must say why');
  if (text.length > MAX_TEXT) usage(`a reason of ${text.length} characters is too long: at most ${MAX_TEXT}`);
  return text;
}

export function checkUntil(until: number | undefined, from: number): void {
  if (until === undefined) return;
  if (!Number.isSafeInteger(until) || until > 8.64e15) usage('the end is not a moment in time');
  if (until <= from)
    usage(`the end, ${new Date(until).toISOString()}, must lie after the start, ${new Date(from).toISOString()}`);
}

/** The one record whose id is, or begins with, `id`. */
export function byId<T extends { id: string }>(records: Iterable<T>, id: string, what: string): T {
  const found: T[] = [];
  for (const record of records) {
    if (record.id === id) return record;
    if (id !== '' && record.id.startsWith(id)) found.push(record);
  }
  const [only] = found;
  if (only === undefined)
    throw new SallyportError('not-found', `no ${what} ${escapeText(id, 60)}: \`sallyport ${what}s --all\` shows them`);
  if (found.length > 1) usage(`${escapeText(id, 60)} is the beginning of ${found.length} ${what} ids: give more of it`);
  return only;
}

/** The list with some records replaced by newer ones of the same id. */
export function replaced<T extends { id: string }>(list: readonly T[], newer: readonly T[]): T[] {
  const byId = new Map(newer.map((record) => [record.id, record]));
  return list.map((record) => byId.get(record.id) ?? record);
}
