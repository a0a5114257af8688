/** Whether an approval would let a command go, by the keeper's own copy of everything. */
import type { Authority } from '../../authority/index.js';
import type { Clock } from '../../core/clock.js';
import { approvedUntil, compileRights } from '../../policy/index.js';
import type { Rights } from '../../policy/types.js';
import { standsAgainst } from '../live.js';
import type { LiveSession, Registry } from '../registry.js';
import { rightsNow } from '../rights-now.js';
import type { Draft } from './book.js';

/** How often rights are read anew because they changed while they were compiled. */
const MAX_READS = 5;

export interface StandingParts {
  authority: Authority;
  clock: Clock;
  registry: Registry;
}

/** `until`: wall time, ms, of the moment from which time alone makes it useless. */
export type Standing = { helps: true; until: number } | { helps: false; why: string };

const no = (why: string): Standing => ({ helps: false, why });

/**
 * Whether the approval of `by` (left out: of anybody who may) would allow it now. `then` is called with the answer in the tick
 * that found it, so that nothing changes in between.
 */
export async function standing<T>(
  draft: Pick<Draft, 'session' | 'questions'>,
  toMs: number,
  by: string | undefined,
  parts: StandingParts,
  then: (standing: Standing) => T,
): Promise<T> {
  const { authority } = parts;
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const session = askable(draft.session, parts);
    if (typeof session === 'string') return then(no(session));
    const version = authority.version();
    const rights = await compileRights(rightsNow(session, authority));
    if (authority.version() !== version) continue;
    const gone = askable(draft.session, parts);
    return then(typeof gone === 'string' ? no(gone) : found(draft, rights, toMs, by, parts.clock.now()));
  }
  return then(no('rights are changing just now: try again'));
}

/** The session, or why nothing of it can be approved. */
function askable(sid: string, { registry, authority }: StandingParts): LiveSession | string {
  const session = registry.get(sid);
  if (!session || session.state === 'over' || session.ordered !== undefined) return 'its session has ended';
  const against = standsAgainst(session, authority);
  if (!against) return session;
  return `${session.user}: ${against.cause}${against.reason === undefined ? '' : `: ${against.reason}`}`;
}

function found(
  draft: Pick<Draft, 'questions'>,
  rights: Rights,
  toMs: number,
  by: string | undefined,
  now: number,
): Standing {
  const { questions } = draft;
  if (questions.every((question) => rights.decide(question, now).allow))
    return no('it is allowed without an approval now: run it again');
  const until = approvedUntil(rights, questions, now, Math.max(now, toMs), by);
  if (until !== undefined) return { helps: true, until };
  if (by !== undefined && approvedUntil(rights, questions, now, now) !== undefined)
    return no(`the rules do not take an approval by ${by}`);
  return no('an approval would not allow it');
}
