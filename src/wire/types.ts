/** Shapes that cross process boundaries. JSON only; times are ms since the epoch unless a name says otherwise. */
import type { EndCause } from '../core/causes.js';
import type { Children, Decision, Question, RightsData } from '../policy/types.js';

export type SessionKind = 'shell' | 'exec';

/** What sort of refusal or acceptance a gate reached, as it goes to the recording and the audit log. */
export interface DecisionEvent {
  /** Numbered per session from 1, without gaps. */
  n: number;
  at: number;
  /** `line`: the line gate; `exec`: the kernel gate; `action`: @exec and the like. */
  gate: 'line' | 'exec' | 'action';
  /** Escaped, at most 1,000 characters. */
  command: string;
  allow: boolean;
  rule?: string | undefined;
  why: Decision['why'];
  /** The parent's argv, for programs. */
  parent?: string | undefined;
  /** The program ran and was ended: what changed. Counts neither as a command nor as a refusal. */
  ended?: string | undefined;
}

/** One process of a session, and by which right it runs. */
export interface ProcessInfo {
  /** As the host sees it. */
  pid: number;
  ppid: number;
  /** As the session sees it. */
  inner: number;
  /** What was approved; raw, at most 1,000 characters. A fork shows its parent's. */
  argv: string[];
  rule?: string | undefined;
  /** `trusted`: no rule of its own, its parent's children are. `shell`: nobody was asked about it. */
  why: 'rule' | 'trusted' | 'shell' | 'unknown';
  /** How what it starts is decided. */
  children: Children;
  /** When it was approved. */
  startedAt: number;
}

/** A command that was refused, for another person to look at. */
export interface Review {
  gate: 'line' | 'exec';
  /** Escaped; `digest` of the exact words where it had to be cut. */
  text: string;
  digest?: string;
  /** Why, as it was typed. */
  reason: string;
  rule?: string;
  remedies: ('mfa' | 'approval')[];
  questions: Question[];
}

/** What came of it: an approval by somebody, or none. */
export interface Answered {
  id: string;
  ok: boolean;
  by?: string;
  why?: string;
}

/** What the keeper says of a second factor typed in a session. */
export interface Proved {
  ok: boolean;
  /** Wrong codes it will look at still, for now. */
  left: number;
  /** `none`: the user has no factor; `wait`: too many wrong codes, and none is looked at for `waitMs`. */
  why?: 'wrong' | 'used' | 'none' | 'wait';
  waitMs?: number;
}

export interface ProcessTree {
  processes: ProcessInfo[];
  /** Processes and threads that are not shown. */
  more: number;
}

/** New rights of a session. Without rules: those of the message before, or of its admission, are still the ones. */
export type RightsUpdate = Omit<RightsData, Rules> & Partial<Pick<RightsData, Rules>>;

type Rules = 'rows' | 'model' | 'labels';

export interface PtySize {
  cols: number;
  rows: number;
}

/** An OS account as the broker resolved it. */
export interface AccountInfo {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

/** Warnings and limits of one session, all in wall time; the keeper holds the last word on `hardAt`. */
export interface Deadlines {
  /** ms without input before the session is idle. */
  idleMs: number;
  /** The earliest of hard limit, grant end and time edge after which @session fails. */
  hardAt: number;
  hardCause: EndCause;
  /** ms before hardAt at which to warn, longest first. */
  warnMs: number[];
  recheckMs: number;
}

/** The public shape of a live session: `sallyport sessions --json`. Times are ISO 8601 UTC. */
export interface SessionInfo {
  id: string;
  user: string;
  account: string;
  target: string;
  kind: SessionKind;
  source: string;
  door: number;
  startedAt: string;
  lastInputAt: string;
  idleAt: string;
  deadlineAt: string;
  deadlineCause: EndCause;
  recording: string;
  commands: number;
  denied: number;
}

/** What a door holds of a session from the moment it is admitted. */
export interface Admitted {
  id: string;
  user: string;
  account: string;
  target: string;
  kind: SessionKind;
  command?: string;
  rights: RightsData;
  /** Version of the authority these rights were built from; later changes carry higher ones. */
  version: number;
  deadlines: Deadlines;
  startedAt: number;
  recording: string;
  /** The account's shell, for the record. */
  shell: string;
  /** Who the account is to the file system: what it could have written is not trusted by name. */
  identity: { uid: number; gids: number[] };
  /** `ip:port` of the client. */
  source: string;
  /** The client's terminal type; absent without a pty. */
  term?: string;
  gate: 'exec' | 'line-only';
  /** True when the account's shell is one the line gate knows. */
  lineGate: boolean;
  /** The command is our own: each of its verbs is decided by the keeper, and it starts nothing. */
  administration?: boolean;
}
