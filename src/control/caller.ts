/** Who may use the control socket: root, the broker's own account, and the configured admins by policy. */
import { readFileSync } from 'node:fs';
import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import type { AuditLog } from '../store/index.js';
import { type Caller, isSelfVerb } from './admin-port.js';
import type { Standing } from './places.js';
import type { AnyVerb } from './streams.js';

/** What the kernel says of the process that connected (SO_PEERCRED). */
export interface Peer {
  pid: number;
  uid: number;
}

/** Who was refused: an account, or a user in a session. */
export interface Refused {
  uid: number;
  pid?: number;
  user?: string;
  session?: string;
}

export interface AdminVerdict {
  allow: boolean;
  /** A rule, a lock or the user's absence refuses, rather than nothing allowing: then it is not let pass for oneself either. */
  denied: boolean;
  /** For the caller to read. */
  why: string;
}

export interface CallerRules {
  ownUid: number;
  admins: readonly { uid: number; user: string }[];
  /** Decides `@admin:<verb>` for a user on the target `local`. */
  decide(user: string, verb: AnyVerb): Promise<AdminVerdict>;
  /** Whether that process shares the broker's pid namespace. */
  sharesNamespace(pid: number): boolean;
  /** Hears of every refusal before the caller does: it belongs into the audit log. */
  onRefused?(who: Refused, verb: AnyVerb, why: string): void;
}

/**
 * Names the caller, or rejects with `refused`. A process in another pid namespace is refused whoever it is: a
 * session's shell may run as the broker's own account and must never act as an admin.
 */
export async function identifyCaller(peer: Peer, verb: AnyVerb, rules: CallerRules): Promise<Caller> {
  try {
    return await identify(peer, verb, rules);
  } catch (error) {
    rules.onRefused?.(peer, verb, messageOf(error));
    throw error;
  }
}

async function identify(peer: Peer, verb: AnyVerb, rules: CallerRules): Promise<Caller> {
  if (!rules.sharesNamespace(peer.pid))
    throw new SallyportError('refused', `${verb}: refused: admin commands are not taken from inside a session`);
  return await byAccount(peer, verb, rules);
}

/**
 * Asked again while a stream flows: rejects with `refused` when its caller would not be let in any more. The process itself
 * is not looked at: it was, and it may be gone.
 */
export async function stillMay(peer: Peer, verb: AnyVerb, rules: CallerRules): Promise<void> {
  try {
    await byAccount(peer, verb, rules);
  } catch (error) {
    rules.onRefused?.(peer, verb, messageOf(error));
    throw error;
  }
}

async function byAccount(peer: Peer, verb: AnyVerb, rules: CallerRules): Promise<Caller> {
  if (peer.uid === 0) return { uid: 0, name: 'root', by: 'root' };
  if (peer.uid === rules.ownUid) return { uid: peer.uid, name: `uid ${peer.uid}`, by: 'owner' };
  const admin = rules.admins.find((a) => a.uid === peer.uid);
  if (!admin)
    throw new SallyportError(
      'refused',
      `${verb}: refused: uid ${peer.uid} is no admin here; use root, the broker's own account, or add it to admins in sallyport.yaml`,
    );
  return callerByVerdict(peer.uid, admin.user, verb, await rules.decide(admin.user, verb));
}

/** A user as the caller, by policy or for themselves; throws `refused` where neither will do. */
export function callerByVerdict(uid: number, user: string, verb: AnyVerb, verdict: AdminVerdict): Caller {
  if (verdict.allow) return { uid, name: user, user, by: 'policy' };
  if (!verdict.denied && isSelfVerb(verb)) return { uid, name: user, user, by: 'self' };
  throw new SallyportError('refused', `${verb}: refused for ${user}: ${verdict.why}`);
}

/**
 * True when `pid` lives in the pid namespace that /proc shows. Reads NSpid (proc(5)), which needs no privilege over
 * the process, where the ns/pid link would. A process that is gone, hidden or from outside is not in it.
 */
export function sharesPidNamespace(pid: number): boolean {
  if (pid <= 0) return false;
  const own = namespaceDepth('self');
  return own !== undefined && namespaceDepth(String(pid)) === own;
}

function namespaceDepth(pid: string): number | undefined {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line?.[1]?.trim().split(/\s+/).length;
  } catch {
    return undefined;
  }
}

/** Refusals of one account or user written down in full within REFUSALS_MS; the rest are counted, so that nobody fills the log. */
const MAX_REFUSALS = 20;
const REFUSALS_MS = 60_000;

/** An `onRefused` that appends to the audit log; where that fails the log says so elsewhere, and the refusal stands. */
export function auditRefusals(audit: AuditLog, clock: Clock): NonNullable<CallerRules['onRefused']> {
  const lately = new Map<string, { since: number; count: number }>();
  return ({ uid, pid, user, session }, verb, why) => {
    const by = user ?? `uid ${uid}`;
    const before = lately.get(by);
    const isOld = before === undefined || clock.mono() - before.since >= REFUSALS_MS;
    const now = isOld ? { since: clock.mono(), count: 0 } : before;
    now.count += 1;
    lately.set(by, now);
    if (now.count > MAX_REFUSALS) return;
    const missed = isOld ? Math.max(0, (before?.count ?? 0) - MAX_REFUSALS) : 0;
    const text = missed > 0 ? `${why}; ${missed} more before it were not written down` : why;
    const data = { verb, uid, ...(pid !== undefined && { pid }) };
    try {
      audit.append({ event: 'admin-refused', by, ...(session && { user: by, session }), allow: false, text, data });
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
    }
  };
}

/** Whoever runs a command that works on the files itself. */
export function offlineCaller(): Caller {
  const uid = process.geteuid?.() ?? 0;
  return uid === 0 ? { uid, name: 'root', by: 'root' } : { uid, name: `uid ${uid}`, by: 'owner' };
}

/** What an account could have to say, before it says anything. */
export function standingOf(uid: number, { ownUid, admins }: Pick<CallerRules, 'ownUid' | 'admins'>): Standing {
  if (uid === 0 || uid === ownUid) return 'owner';
  return admins.some((admin) => admin.uid === uid) ? 'admin' : 'stranger';
}
