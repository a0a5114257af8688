import type { Config } from '../config/types.js';
import type { EndCause } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import type { CompiledPolicy } from '../policy/index.js';
import type { FactValue, RightsData, RoleHolding } from '../policy/types.js';
import type { AccessRequest, Grant, Lock, LockKind, SetFact, Store, User, UserKey } from '../store/types.js';
import type { FactChange } from './acts-facts.js';
import type { KnownFact } from './context.js';
import type { FeedUpdate } from './told-facts.js';

/** What the authority needs of a compiled policy. */
export type PolicyView = Pick<
  CompiledPolicy,
  'digest' | 'model' | 'labels' | 'rows' | 'edges' | 'rolesOf' | 'groupsOf' | 'rowsFor'
>;

export type ChangeKind =
  | 'grant'
  | 'grant-started'
  | 'grant-ended'
  | 'revoke'
  | 'lock'
  | 'unlock'
  | 'lock-ended'
  | 'user-added'
  | 'user-removed'
  | 'key-added'
  | 'key-removed'
  | 'key-expired'
  | 'policy'
  | 'factor'
  | 'request'
  | 'request-expired'
  | 'context';

/** Something became true. Versions rise by one, without gaps, from 1 in each process. */
export interface Change {
  readonly version: number;
  /** Wall time, ms since the epoch. */
  readonly at: number;
  readonly kind: ChangeKind;
  /** Whose rights may have changed. */
  readonly users: ReadonlySet<string> | 'all';
  /** Fingerprint, for key changes. */
  readonly key?: string;
  readonly lock?: Lock;
  /** The grants concerned, for grant changes. */
  readonly grants?: readonly Grant[];
  /** The requests that expired. */
  readonly requests?: readonly AccessRequest[];
  /** The cause a session gets if this change ends it. */
  readonly cause: EndCause;
}

export type ChangeListener = (change: Change) => void;

/** A key as parsed from a public key line. */
export interface PublicKey {
  fp: string;
  type: string;
  /** Base64 of the blob. */
  data: string;
  comment: string;
}

export interface AddUser {
  name: string;
  account?: string;
  keys?: readonly (PublicKey & { expiresAt?: number })[];
  labels?: Record<string, FactValue>;
  /** Each becomes a grant without end, on every target. */
  roles?: readonly string[];
  reason?: string;
  by: string;
}

export interface GiveGrant {
  user: string;
  role: string;
  /** Default `*`. */
  target?: string;
  /** Default now; never earlier. */
  from?: number;
  until?: number;
  reason: string;
  by: string;
}

/** `grant` is an id or an unambiguous beginning of one. */
export type RevokeWhat = { grant: string } | { user: string; role?: string; target?: string };

export interface PutLock {
  kind: LockKind;
  subject?: string;
  until?: number;
  reason: string;
  by: string;
}

export interface AskForRole {
  id: string;
  user: string;
  role: string;
  /** Target pattern. */
  target: string;
  forMs: number;
  reason: string;
}

/** An answer to a request. `names`: all that count as whoever answers, who is no judge of their own requests. */
export interface Answer {
  id: string;
  by: string;
  /** The sallyport user who answers, where it is one. */
  user?: string;
  names: ReadonlySet<string>;
  why?: string;
}

/** Facts by hand: null unsets one. `subject` is a user's name or a key's fingerprint. */
export interface SetFacts {
  changes: readonly { subject: string; facts: FactChange }[];
  until?: number;
  by: string;
}

export interface LabelUser {
  user: string;
  labels: FactChange;
  by: string;
}

export interface GrantFilter {
  user?: string;
  role?: string;
  /** Ended and revoked ones too. */
  all?: boolean;
}

/** What a session brings along when its rights are asked for. */
export interface RightsQuery {
  user: string;
  target: string;
  /** The country is looked up anew each time. */
  source: { ip: string };
  auth: { method: string; key?: string };
  /** When the session was admitted, ms since the epoch. */
  startedAt: number;
  /** When the second factor was last proved on this connection, ms since the epoch. */
  mfaAt?: number;
}

export type FactorVerdict = { ok: true; by: 'totp' | 'recovery' } | { ok: false; why: 'wrong' | 'used' | 'none' };

export interface Done {
  change: Change;
}

/**
 * What is true now. Every act is true in memory, and its change delivered, before the call returns its promise; the
 * promise resolves when it is durable. When it cannot be written it is taken back, another change (`context`) says so, and
 * the promise rejects. Acts that are not allowed reject with a SallyportError and change nothing.
 */
export interface Authority {
  version(): number;
  users(): readonly User[];
  user(name: string): User | undefined;
  /** A key whoever it belongs to, expired or not. */
  key(fp: string): { user: User; key: UserKey } | undefined;
  /** The user's key if it may be used to log in now. */
  usableKey(user: string, fp: string): UserKey | undefined;
  /** Current and future ones, unless the filter says all; oldest first. */
  grants(filter?: GrantFilter): Grant[];
  /** Those that wait; with `all` the decided and expired ones not forgotten yet; oldest first. */
  requests(all?: boolean): AccessRequest[];
  /** Those in force; with `all` every one there ever was. */
  locks(all?: boolean): Lock[];
  /** Roles the policy gives a name, transitively. */
  policyRoles(user: string): string[];
  /** Every role a user holds now or from a later moment, by policy and by grants, transitively, on whatever target. */
  holdings(user: string): RoleHolding[];

  addUser(input: AddUser): Promise<Done & { user: User; grants: Grant[] }>;
  removeUser(input: { user: string; by: string }): Promise<Done & { user: User; grants: Grant[] }>;
  addKey(input: { user: string; key: PublicKey; expiresAt?: number; by: string }): Promise<Done & { key: UserKey }>;
  removeKey(input: { user: string; fp: string; by: string }): Promise<Done & { key: UserKey }>;
  /** `warning`: the role is one that no rule of the policy speaks of. */
  grant(input: GiveGrant): Promise<Done & { grant: Grant; warning?: string }>;
  /** Rejects with `not-found` when nothing is held, and when a role is held by policy alone (naming file and line). */
  revoke(what: RevokeWhat, by: string): Promise<Done & { grants: Grant[] }>;
  /** Gives a second factor in place of any before. The codes and the URI, which holds the secret, are never told again. */
  enrolFactor(input: { user: string; issuer: string }): Promise<Done & { uri: string; codes: string[] }>;
  /** Rejects with `not-found` when there is none. */
  removeFactor(input: { user: string }): Promise<Done>;
  /**
   * Holds what was typed against the user's second factor. A code that holds is used up, durably, when this resolves. Does
   * not bound how often it is asked: the caller does.
   */
  proveFactor(user: string, typed: string): Promise<FactorVerdict>;
  /** A factor of the user's was proved in a session: their sessions are decided anew. */
  factorProved(user: string): Change;
  lock(input: PutLock): Promise<Done & { lock: Lock }>;
  unlock(id: string, by: string): Promise<Done & { lock: Lock }>;
  /** Rejects with `usage` for what there cannot be, and with `refused` for one too many or one that waits already. */
  askForRole(input: AskForRole): Promise<Done & { request: AccessRequest }>;
  /** Makes the grant. Rejects with `refused`, and why, where this answer does not count: it is decided, or their own, … */
  approveRequest(answer: Answer): Promise<Done & { request: AccessRequest; grant: Grant }>;
  refuseRequest(answer: Answer): Promise<Done & { request: AccessRequest }>;
  /** Makes it durable that requests are over, and answers which: at a start, those that expired while no broker ran. */
  expireRequests(): Promise<AccessRequest[]>;
  /** By the one who asked. */
  withdrawRequest(input: { id: string; user: string }): Promise<Done & { request: AccessRequest }>;
  /** Sets and unsets facts by hand, all of them in one change. Rejects with `usage` for what there cannot be. */
  setFacts(input: SetFacts): Promise<Done & { facts: SetFact[] }>;
  labelUser(input: LabelUser): Promise<Done & { user: User }>;
  /** What a feed says, one change for all of it; undefined when nothing of it is new. Not durable: feeds tell it again. */
  tell(feed: string, update: FeedUpdate): Change | undefined;
  /** Of how many subjects the feed says something. */
  toldBy(feed: string): number;
  /** Countries are looked up here from now on; every session is decided anew. */
  useCountries(countryOf: (ip: string) => string | undefined): void;
  /** Every fact told of a user and the key named, the believed ones not hidden. Throws `not-found`. */
  knownFacts(who: { user: string; key?: string }): KnownFact[];
  /** With a configuration given, both come into force in one change: no session is decided under half of them. */
  setPolicy(policy: PolicyView, config?: Config): Promise<Done>;
  setConfig(config: Config): Promise<Done>;

  /** Throws `not-found` for a user who is not there. */
  rightsFor(query: RightsQuery): RightsData;
  /** The lock that refuses this user, key or target now; it beats every grant. */
  lockFor(who: { user: string; key?: string; target?: string }): Lock | undefined;
  /** Changes arrive in the order of their versions. Returns how to stop. */
  onChange(fn: ChangeListener): () => void;
  /** Stops timers. The store stays open: it is the caller's. */
  close(): void;
}

export interface OpenAuthorityOptions {
  store: Store;
  policy: PolicyView;
  clock: Clock;
  config: Config;
}
