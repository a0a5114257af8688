/** What the store remembers. Times are ms since the epoch. Records are frozen: a change makes a new record. */
import type { FactValue } from '../policy/types.js';

export interface UserKey {
  /** `SHA256:…`, as OpenSSH prints it. */
  readonly fp: string;
  /** `ssh-ed25519` and the like. */
  readonly type: string;
  /** Base64 of the key blob. */
  readonly data: string;
  readonly comment: string;
  readonly addedAt: number;
  readonly expiresAt?: number;
}

/** A second factor. The secret, in base32, leaves the keeper once: to be shown when it is made. */
export interface Factor {
  readonly secret: string;
  readonly enrolledAt: number;
  /** The last step of time that was used: neither it nor an earlier one is good again. */
  readonly lastStep?: number;
  /** SHA-256 of each recovery code not used yet, hex. */
  readonly recovery: readonly string[];
}

export interface User {
  readonly name: string;
  readonly createdAt: number;
  /** The OS account of their shells; absent: the one named as they are. */
  readonly account?: string;
  readonly keys: readonly UserKey[];
  readonly labels: Readonly<Record<string, FactValue>>;
  readonly factor?: Factor;
}

export interface Grant {
  readonly id: string;
  readonly user: string;
  readonly role: string;
  /** Target pattern; `*` is every target. */
  readonly target: string;
  readonly from: number;
  /** Absent: no end. */
  readonly until?: number;
  readonly reason: string;
  readonly by: string;
  readonly createdAt: number;
  readonly revokedAt?: number;
  readonly revokedBy?: string;
  /** The request it answers: its user asked, `by` approved. */
  readonly request?: string;
}

/** Somebody asked for a role. One that waits is over at `expiresAt`. */
export interface AccessRequest {
  readonly id: string;
  readonly user: string;
  readonly role: string;
  /** Target pattern. */
  readonly target: string;
  /** How long the grant would last, from the approval on. */
  readonly forMs: number;
  readonly reason: string;
  readonly at: number;
  readonly expiresAt: number;
  readonly state: 'waiting' | 'approved' | 'refused' | 'expired' | 'withdrawn';
  /** Who decided, when, and what they said. */
  readonly by?: string;
  readonly decidedAt?: number;
  readonly why?: string;
  /** The grant that came of it. */
  readonly grant?: string;
}

export type LockKind = 'user' | 'key' | 'target' | 'everyone';

export interface Lock {
  readonly id: string;
  readonly kind: LockKind;
  /** A user's name, a fingerprint or a target pattern; absent for everyone. */
  readonly subject?: string;
  readonly reason: string;
  readonly by: string;
  readonly from: number;
  readonly until?: number;
  readonly liftedAt?: number;
  readonly liftedBy?: string;
}

/** A fact set by hand. Those of feeds are not stored: they come again. */
export interface SetFact {
  /** A user's name, or the fingerprint of a key: what is known of the device that holds it. */
  readonly subject: string;
  /** `risk.score`, `device.managed`. */
  readonly name: string;
  readonly value: string | number | boolean;
  readonly at: number;
  /** Absent: until it is unset. */
  readonly until?: number;
  readonly by: string;
}

export interface StoreData {
  readonly format: 1;
  readonly users: readonly User[];
  readonly grants: readonly Grant[];
  readonly locks: readonly Lock[];
  /** At most one of a name for a subject. */
  readonly facts: readonly SetFact[];
  readonly requests: readonly AccessRequest[];
}

/**
 * The store port. One process at a time holds it; every answer it gives is of data that passed the schema.
 */
export interface Store {
  /** What is true now: commits count here at once, and are taken back when they cannot be written. */
  readonly data: StoreData;
  /**
   * Makes `next` the data at once. Resolves when it is durable; commits made meanwhile share one write. When a write
   * fails, every commit not yet durable is taken back (`onRollback` fires, then all of them reject).
   */
  commit(next: StoreData): Promise<void>;
  /** Called with the data that is true again, before the failed commits reject. */
  onRollback(fn: (data: StoreData) => void): () => void;
  /** Why the last write failed; undefined when the last one succeeded. */
  problem(): string | undefined;
  /** Waits for writes under way and gives the home's lock back. */
  close(): Promise<void>;
}
