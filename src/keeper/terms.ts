import { deadlinesFor } from '../authority/index.js';
import { type Config, processLimitsFor, userNamespacesFor } from '../config/index.js';
import { nextEdge } from '../policy/index.js';
import type { Rights, RightsData } from '../policy/types.js';
import { SESSION_QUESTION } from '../session/index.js';
import type { LaunchLimits } from '../wire/guard.js';
import type { Deadlines } from '../wire/types.js';

/**
 * When a session under these rights must end: the hard limit, or sooner the moment from which @session no longer
 * holds (a grant's end, an hour, an age named in a condition).
 */
export function sessionDeadlines(
  config: Config,
  data: RightsData,
  rights: Rights,
  startedAt: number,
  now: number,
): Deadlines {
  const { idleMs, hardAt, hardCause } = deadlinesFor({ config, rights: data, startedAt, now });
  const edge = nextEdge(rights, SESSION_QUESTION, now, Math.max(0, hardAt - now));
  const sooner = edge !== undefined && edge < hardAt;
  return {
    idleMs,
    hardAt: sooner ? edge : hardAt,
    hardCause: sooner ? 'deadline' : hardCause,
    warnMs: [...config.session.warnMs],
    recheckMs: config.session.recheckMs,
  };
}

/** What a session that starts now may use, by the roles held now; it keeps that to its end. */
export function launchLimits(
  config: Config,
  data: RightsData,
  now: number,
): { limits: LaunchLimits; userNamespaces: boolean } {
  const held = data.holdings.filter((h) => (h.from ?? 0) <= now && (h.until === undefined || now < h.until));
  const roles = held.map((h) => h.role);
  const { processes, memory, openFiles, cpuMs, fileSize, core, nice } = processLimitsFor(config, roles);
  return {
    limits: {
      ...bounded({ processes, memory, openFiles, cpuSeconds: Math.ceil(cpuMs / 1000), fileSize, core }),
      nice,
    },
    userNamespaces: userNamespacesFor(config, roles),
  };
}

/** Without the values that bound nothing. */
function bounded<T extends Record<string, number>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value))) as Partial<T>;
}
