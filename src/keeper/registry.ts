import type { Change } from '../authority/index.js';
import type { Effect } from '../control/live.js';
import type { EndCause } from '../core/causes.js';
import type { Rights, RightsData } from '../policy/types.js';
import type { PtyRequest } from '../wire/pty.js';
import type { AccountInfo, Deadlines, SessionInfo, SessionKind } from '../wire/types.js';
import type { Pair } from './pair.js';

/** A session from its reservation to its last audit entry. */
export interface LiveSession {
  readonly id: string;
  readonly user: string;
  readonly account: AccountInfo;
  readonly target: string;
  readonly kind: SessionKind;
  readonly command?: string;
  /** The command is our own, with these words: administration. */
  readonly administration?: readonly string[];
  readonly pty?: PtyRequest;
  readonly env: Record<string, string>;
  /** `ip:port` of the client. */
  readonly source: string;
  readonly conn: number;
  readonly key: string;
  readonly pair: Pair;
  readonly startedAt: number;
  /** Absolute path of the recording. */
  readonly recording: string;
  readonly privateHome?: string;
  /** `reserved` and `starting` count against limits and are not launched; changes are looked at when they are. */
  state: 'reserved' | 'starting' | 'launching' | 'live' | 'over';
  rights: RightsData;
  /** The rights its door was told last, or is being told. */
  told: RightsData;
  compiled: Rights;
  deadlines: Deadlines;
  /** Version of the authority the door last acknowledged. */
  version: number;
  /** Wall time of the person's last input, as its door tells it; never later than now. */
  lastInputAt: number;
  /** Monotonic time at which the keeper heard of it. */
  inputMono: number;
  /** What its door said last of the person's input, as it came. */
  heardInput?: number;
  /** Changes of rights read for it, and what the latest of them comes to. */
  turns: number;
  turn?: Promise<Effect>;
  /** Rights that wait for their door to have room: the change they go with, and what comes of them. */
  queued?: { change: Change; effect: Promise<Effect> };
  commands: number;
  denied: number;
  /** The first process of its namespace. */
  pidfd?: number;
  /** Its mark of a live session is on disk. */
  marked?: Promise<void>;
  /** When the second factor was proved in it, or at its login. */
  mfaAt?: number;
  /** The cause a keeper's order gave; it outranks what a door reports afterwards. */
  ordered?: { cause: EndCause; reason?: string };
  /** Why it is over, once it is. */
  cause?: EndCause;
  /** Resolves when nothing of it runs any more and the end is recorded. */
  readonly over: Promise<void>;
  settleOver(): void;
}

/** Sessions by id, by user and by pair: every look-up costs what it finds. */
export interface Registry {
  add(session: LiveSession): void;
  remove(session: LiveSession): void;
  get(id: string): LiveSession | undefined;
  all(): LiveSession[];
  ofUser(user: string): LiveSession[];
  ofPair(pair: Pair): LiveSession[];
  size(): number;
}

export function createRegistry(): Registry {
  const byId = new Map<string, LiveSession>();
  const byUser = new Map<string, Set<LiveSession>>();
  return {
    add(s) {
      byId.set(s.id, s);
      const mine = byUser.get(s.user) ?? new Set();
      mine.add(s);
      byUser.set(s.user, mine);
    },
    remove(s) {
      byId.delete(s.id);
      const mine = byUser.get(s.user);
      mine?.delete(s);
      if (mine?.size === 0) byUser.delete(s.user);
    },
    get: (id) => byId.get(id),
    all: () => [...byId.values()],
    ofUser: (user) => [...(byUser.get(user) ?? [])],
    ofPair: (pair) => [...byId.values()].filter((s) => s.pair === pair),
    size: () => byId.size,
  };
}

/** Whom and what an entry of the audit log is about. */
export const entryAbout = (s: LiveSession) => ({
  session: s.id,
  user: s.user,
  account: s.account.name,
  target: s.target,
  source: s.source,
  door: s.pair.number,
});

const iso = (ms: number) => new Date(ms).toISOString();

export function sessionInfo(s: LiveSession): SessionInfo {
  return {
    id: s.id,
    user: s.user,
    account: s.account.name,
    target: s.target,
    kind: s.kind,
    source: s.source,
    door: s.pair.number,
    startedAt: iso(s.startedAt),
    lastInputAt: iso(s.lastInputAt),
    idleAt: iso(s.lastInputAt + s.deadlines.idleMs),
    deadlineAt: iso(s.deadlines.hardAt),
    deadlineCause: s.deadlines.hardCause,
    recording: s.recording,
    commands: s.commands,
    denied: s.denied,
  };
}
