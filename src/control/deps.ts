/** What the admin operations stand on. */
import type { Authority, Change } from '../authority/index.js';
import type { Config } from '../config/index.js';
import type { Clock } from '../core/clock.js';
import type { CompiledPolicy } from '../policy/index.js';
import type { AuditLog, Store } from '../store/index.js';
import type { Feeds } from './feeds.js';
import type { Hooks } from './hooks.js';
import type { Live } from './live.js';
import type { Reviews } from './reviews.js';

export interface OperationsOptions {
  authority: Authority;
  store: Store;
  audit: AuditLog;
  live: Live<Change>;
  /** Absent: no broker runs, and no feed is asked. */
  feeds?: Feeds;
  /** As `feeds`. */
  hooks?: Hooks;
  /** As `feeds`. */
  reviews?: Reviews;
  /** As it is now; a reload may replace it. */
  config(): Config;
  /** The policy in force when the operations are made; afterwards they are the only ones to replace it. */
  policy: CompiledPolicy;
  clock: Clock;
  /** True where sessions run in the sandbox of an ordinary user, so that users have no OS account of their own. */
  sandboxed: boolean;
  /** Absent: no broker runs. */
  broker?: Broker;
}

export interface Broker {
  pid: number;
  /** Wall time, ms. */
  startedAt: number;
  /** Where it really listens, `host:port`. */
  listen: string;
  isolation: 'account' | 'sandbox';
  /** What holds sessions to their limits, for people. */
  limits: string;
  gate: 'exec' | 'line-only';
  /** Takes a new configuration for what comes after. Absent: only a restart does. */
  useConfig?(config: Config): void;
  /** Says something loudly: to the operator, and to whoever could do something about it. */
  alarm?(text: string): void;
}

/** The options, and the one thing operations change besides the authority. */
export interface Deps extends OperationsOptions {
  current: { policy: CompiledPolicy; loadedAt: number };
}
