import type { EndCause } from '../core/causes.js';
import { type Clock, sleep, within } from '../core/clock.js';
import { isMoving } from '../os/dying.js';
import { closeFd } from '../os/fd.js';
import { pidfdGone, pidfdKillAndClose, pidfdSignal } from '../os/process.js';
import type { AuditLog } from '../store/index.js';
import { entryAbout, type LiveSession, type Registry } from './registry.js';

/** What a door gets to end a session in order. Unit: ms. */
const ORDERLY_MS = 1_000;
/** What the kernel gets to end a namespace whose first process was killed; then the guard goes too. Unit: ms. */
const NAMESPACE_MS = 100;
/** What it gets where its processes, or the guard that reaps them, wait for a CPU: others' sessions go with a guard. */
const MOVING_MS = 600;
const POLL_MS = 2;
const SIGKILL = 9;

export interface Outcome {
  cause: EndCause;
  status?: string;
  reason?: string;
}

export interface Endings {
  /** Has the door end the session; whatever it does, nothing of the session runs when this resolves. */
  order(session: LiveSession, cause: EndCause, reason: string | undefined, version: number): Promise<void>;
  /** Kills the namespace by its pidfd, and the pair if that is not enough. */
  force(session: LiveSession): Promise<void>;
  /** A process nobody waits for: killed, its descriptor closed. */
  stray(pidfd: number): void;
  /** Records the end, once. */
  finish(session: LiveSession, outcome: Outcome): Promise<void>;
}

export interface EndingParts {
  clock: Clock;
  registry: Registry;
  audit: AuditLog;
  clearLive(sid: string): Promise<void>;
}

export function createEndings(parts: EndingParts): Endings {
  const { clock } = parts;
  const force = (s: LiveSession) => forceEnd(s, clock);
  return {
    force,
    stray: pidfdKillAndClose,
    async order(s, cause, reason, version) {
      s.ordered ??= { cause, ...(reason === undefined ? {} : { reason }) };
      s.pair.toDoor({ type: 'end', sid: s.id, version, cause, ...(reason === undefined ? {} : { reason }) });
      if (await within(clock, s.over, ORDERLY_MS)) return;
      await force(s);
    },
    finish: (s, outcome) => finish(s, outcome, parts, force),
  };
}

async function forceEnd(s: LiveSession, clock: Clock): Promise<void> {
  if (s.state === 'over') return;
  // A guard that hears it goes on with no launch, and does not hold a shell at its exit for a door that will not read.
  s.pair.toGuard({ type: 'end', sid: s.id });
  if (s.pidfd === undefined) return;
  pidfdSignal(s.pidfd, SIGKILL);
  if (await goneInTime(s, clock)) return;
  s.pair.kill(`session ${s.id} would not end`);
}

/** Whether the namespace's first process is gone in time; that it is gone means the kernel has killed the rest. */
async function goneInTime(s: LiveSession, clock: Clock): Promise<boolean> {
  const from = clock.mono();
  let patience = NAMESPACE_MS;
  for (;;) {
    if (s.pidfd === undefined || pidfdGone(s.pidfd)) return true;
    if (clock.mono() - from >= patience) {
      if (patience >= MOVING_MS || !isMoving(s.pidfd, [s.pair.guardPid ?? 0])) return false;
      patience += NAMESPACE_MS;
    }
    await sleep(clock, POLL_MS);
  }
}

async function finish(s: LiveSession, outcome: Outcome, parts: EndingParts, force: Endings['force']): Promise<void> {
  if (s.state === 'over') return;
  // A door's word that a session has ended is checked before it is written down.
  if (s.pidfd !== undefined && !(await goneInTime(s, parts.clock))) await force(s);
  if (isOver(s)) return;
  s.state = 'over';
  parts.registry.remove(s);
  if (s.pidfd !== undefined) closeFd(s.pidfd);
  delete s.pidfd;
  try {
    const entry = endEntry(s, outcome);
    s.cause = entry.cause;
    parts.audit.append(entry);
    await parts.audit.durable();
    // A mark that is made after it was cleared would be reported as a session that was cut.
    await s.marked?.catch(() => {});
    await parts.clearLive(s.id);
  } catch {
    // The audit log's own failure handler ends everything; the live marker stays for the next start to report.
  }
  s.settleOver();
}

/** Read anew after a wait, where the compiler would remember the earlier answer. */
function isOver(s: LiveSession): boolean {
  return s.state === 'over';
}

function endEntry(s: LiveSession, outcome: Outcome) {
  const cause = s.ordered?.cause ?? outcome.cause;
  const reason = s.ordered?.reason ?? outcome.reason;
  const { commands, denied } = s;
  return {
    event: 'session-end' as const,
    ...entryAbout(s),
    cause,
    ...(reason === undefined ? {} : { reason }),
    data: { status: outcome.status ?? '', commands, denied },
  };
}
