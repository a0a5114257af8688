/** What the admin operations need of running sessions. The keeper implements it; with no broker there are none. */
import type { EndCause } from '../core/causes.js';
import { SallyportError } from '../core/errors.js';
import type { RightsData } from '../policy/types.js';
import type { Deadlines, ProcessTree, SessionInfo } from '../wire/types.js';

/** What a change did to one live session. */
export interface Effect {
  id: string;
  user: string;
  outcome: 'ended' | 'changed' | 'unchanged';
  cause?: EndCause | undefined;
  /** Running programs of a session that lives on, which ended with the rights they ran under; absent: none. */
  programs?: number | undefined;
}

/** One pair of door and guard. */
export interface DoorInfo {
  door: number;
  state: 'starting' | 'up' | 'down';
  doorPid?: number | undefined;
  guardPid?: number | undefined;
  sessions: number;
  connections: number;
  /** ISO 8601 UTC. */
  startedAt: string;
  /** How often this pair has been replaced since the broker started. */
  restarts: number;
}

/** One live session as the keeper holds it. */
export interface SessionDetail {
  info: SessionInfo;
  rights: RightsData;
  deadlines: Deadlines;
  gate: 'exec' | 'line-only';
  command?: string | undefined;
  /** Version of the authority the session's door last acknowledged. */
  version: number;
}

/**
 * The change stream's end as seen from an admin operation.
 * `C` is the authority's change: opaque here, so that this file stays free of the authority room.
 */
export interface Live<C = never> {
  /** Resolves when every door has answered for that change or has been killed; names every session it touched. */
  settle(change: C): Promise<Effect[]>;
  sessions(): SessionInfo[];
  session(id: string): SessionDetail | undefined;
  /** What runs in a session now; undefined when its door or guard does not say in time. */
  processes(id: string): Promise<ProcessTree | undefined>;
  /** Ends one session with every process it started. Rejects with `not-found` when it is gone. */
  kill(id: string, reason: string, by: string): Promise<Effect>;
  doors(): DoorInfo[];
}

/** The live side of a home whose broker is not running. */
export const nothingLive: Live = {
  settle: async () => [],
  sessions: () => [],
  session: () => undefined,
  processes: async () => undefined,
  kill: async () => {
    throw new SallyportError('unreachable', 'no session is live: the broker of this home is not running');
  },
  doors: () => [],
};
