import { deadlinesFor } from '../authority/index.js';
import type { Config } from '../config/index.js';
import { nextEdge } from '../policy/index.js';
import type { Rights, RightsData } from '../policy/types.js';
import { SESSION_QUESTION } from '../session/index.js';
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
