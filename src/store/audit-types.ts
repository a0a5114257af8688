import type { EndCause } from '../core/causes.js';
import type { FactValue } from '../policy/types.js';

export const AUDIT_EVENTS = [
  'keeper-start',
  'keeper-stop',
  'door-start',
  'door-lost',
  'login',
  'login-refused',
  'factor',
  'logout',
  'session-start',
  'session-refused',
  'session-end',
  'cut',
  'decision',
  'admin',
  'admin-refused',
  'policy',
  'config',
  'breakglass',
  'grant-started',
  'grant-ended',
  'lock-ended',
  'key-expired',
  'request',
  'approve',
  'refuse',
  'request-expired',
  'request-withdrawn',
  'store-failed',
  'restore',
  'audit-torn',
  'context',
  'feed',
  'hook',
  'notice',
] as const;

export type AuditEventName = (typeof AUDIT_EVENTS)[number];

/** What happened, before it is numbered. Text is kept as it came and escaped where it is shown. */
export interface AuditEntry {
  event: AuditEventName;
  user?: string;
  session?: string;
  target?: string;
  account?: string;
  /** Address of the client. */
  source?: string;
  door?: number;
  /** Who did it: an admin's name, `root`, `uid 1001`. */
  by?: string;
  /** A sentence, or what was typed. Cut at 8,000 characters. */
  text?: string;
  rule?: string;
  allow?: boolean;
  cause?: EndCause;
  reason?: string;
  /** Fingerprint of a key. */
  key?: string;
  /** Numbers a session's decisions, so that a gap shows. */
  n?: number;
  /** Anything else, JSON. */
  data?: { [key: string]: FactValue };
}

export interface AuditEvent extends AuditEntry {
  /** From 1, without gaps, over restarts too. */
  seq: number;
  /** ISO 8601 UTC. */
  at: string;
}

export interface AuditLog {
  /**
   * Writes one line with write(2) and returns its number. Throws a SallyportError when it cannot; from then on every
   * call fails: what cannot be recorded must not happen.
   */
  append(entry: AuditEntry): number;
  /** Resolves when everything appended so far is on disk; callers that wait together share one fdatasync. */
  durable(): Promise<void>;
  /** Called once, at the first failure; at once if there has been one. */
  onFailure(fn: (error: Error) => void): void;
  healthy(): boolean;
  /** `fn` hears of every line as it is written, which may be before it is on disk; it must not wait, and not throw. */
  onAppend(fn: (event: AuditEvent) => void): void;
  /** Syncs and closes. Idempotent. */
  close(): Promise<void>;
}

export interface AuditFilter {
  /** ms since the epoch, inclusive. */
  since?: number;
  /** ms since the epoch, exclusive. */
  until?: number;
  user?: string;
  session?: string;
  event?: string;
  /** Found in the line as it is printed for people, or whole in one of its values; case ignored. */
  text?: string;
}
