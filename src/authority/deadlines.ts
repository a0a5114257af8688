import { limitsFor } from '../config/limits.js';
import type { Config } from '../config/types.js';
import type { EndCause } from '../core/causes.js';
import { nextEdge } from '../policy/index.js';
import type { Rights, RightsData, RoleHolding } from '../policy/types.js';

export interface SessionDeadlines {
  /** ms without input. */
  idleMs: number;
  /** Wall time, ms since the epoch; never later than what the other fields of the question allow. */
  hardAt: number;
  hardCause: EndCause;
}

export interface DeadlineQuestion {
  config: Pick<Config, 'session'>;
  rights: Pick<RightsData, 'holdings'>;
  startedAt: number;
  now: number;
  /** The next moment at which `@session` is no longer allowed, from policy's `nextEdge`. */
  edge?: number | undefined;
  /** When the key the session logged in with expires. */
  credentialUntil?: number | undefined;
}

/**
 * When a session ends if nothing changes, foreseeing the starts and ends of the grants it holds. Pure; asked anew at
 * each change. A role counts its hard limit from its gain, or from admission when it was held before.
 */
export function deadlinesFor(question: DeadlineQuestion): SessionDeadlines {
  const { config, rights, now, edge, credentialUntil } = question;
  const roles = rights.holdings.filter((h) => holds(h, now)).map((h) => h.role);
  const { idleMs } = limitsFor(config, roles);
  const at = Math.min(hardLimit(question), edge ?? Number.POSITIVE_INFINITY);
  if (credentialUntil !== undefined && credentialUntil < at)
    return { idleMs, hardAt: credentialUntil, hardCause: 'credential' };
  return { idleMs, hardAt: at, hardCause: 'deadline' };
}

/** As `deadlinesFor`, with the edges of `@session` found from the compiled rights. May throw what `nextEdge` throws. */
export function sessionDeadlines(
  question: Omit<DeadlineQuestion, 'rights' | 'edge'> & { compiled: Rights },
): SessionDeadlines {
  const { compiled, ...rest } = question;
  const without = deadlinesFor({ ...rest, rights: compiled.data });
  if (without.hardAt <= question.now) return without;
  const edge = nextEdge(compiled, { kind: 'action', action: '@session' }, question.now, without.hardAt - question.now);
  return deadlinesFor({ ...rest, rights: compiled.data, edge });
}

/** Walks the stretches between the starts and ends of holdings that carry a limit of their own. */
function hardLimit({ config, rights, startedAt, now }: DeadlineQuestion): number {
  const limited = rights.holdings.filter((h) => hardOf(config, h.role) !== undefined);
  const edges = limited.flatMap((h) => [h.from ?? 0, h.until ?? 0]).filter((at) => at > now);
  let from = now;
  for (const next of [...new Set(edges)].sort((a, b) => a - b).concat(Number.POSITIVE_INFINITY)) {
    const at = limitWithin(config, limited, startedAt, from);
    // A limit that was over before this stretch began counts from its beginning.
    if (at < next) return from === now ? at : Math.max(at, from);
    from = next;
  }
  return startedAt + config.session.hardMs;
}

function limitWithin(config: Pick<Config, 'session'>, limited: RoleHolding[], startedAt: number, at: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const h of limited)
    if (holds(h, at)) earliest = Math.min(earliest, Math.max(startedAt, h.from ?? 0) + (hardOf(config, h.role) ?? 0));
  return Number.isFinite(earliest) ? earliest : startedAt + config.session.hardMs;
}

function hardOf(config: Pick<Config, 'session'>, role: string): number | undefined {
  return Object.hasOwn(config.session.roles, role) ? config.session.roles[role]?.hardMs : undefined;
}

const holds = (h: RoleHolding, at: number): boolean => (h.from ?? 0) <= at && (h.until === undefined || at < h.until);
