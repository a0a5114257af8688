/** Admin acts leave their trace before they take effect, and another one where they then fail. */
import type { Change } from '../authority/index.js';
import { messageOf, SallyportError } from '../core/errors.js';
import type { AuditEntry } from '../store/index.js';
import type { Caller } from './admin-port.js';
import type { Deps } from './deps.js';
import type { Effect } from './live.js';
import type { AnyVerb } from './streams.js';

/** What the audit log says of an act; `text` reads as a sentence's object: `grant alice role sre on *`. */
export type Trace = Pick<AuditEntry, 'user' | 'session' | 'target' | 'key' | 'reason' | 'data' | 'rule'> & {
  text: string;
  /** Of what has an event of its own. */
  event?: AuditEntry['event'];
};

/** Makes the trace durable, then acts. Rejects without acting when the trace cannot be written. */
export async function act<T>(
  deps: Pick<Deps, 'audit'>,
  verb: AnyVerb,
  caller: Caller,
  trace: Trace,
  work: () => Promise<T>,
): Promise<T> {
  const entry = entryOf(verb, caller, trace);
  deps.audit.append(entry);
  await deps.audit.durable();
  try {
    caller.stands?.();
    return await work();
  } catch (error) {
    deps.audit.append({ ...entry, text: `${trace.text}: failed: ${messageOf(error)}`, allow: false });
    await deps.audit.durable();
    throw error;
  }
}

/** The audit log's entry of an act; `data.via` is the session it was asked from. */
export function entryOf(verb: AnyVerb, caller: Caller, { data, ...rest }: Trace): AuditEntry {
  const { uid, name, session } = caller;
  const via = session === undefined ? {} : { via: session };
  return { event: 'admin', by: name, ...(session && { session }), ...rest, data: { verb, uid, ...via, ...data } };
}

/** As `act`, for a change of authority: ends when live sessions have followed it, and says which did. */
export async function change<T extends { change: Change }>(
  deps: Deps,
  verb: AnyVerb,
  caller: Caller,
  trace: Trace,
  work: () => Promise<T>,
): Promise<T & { effects: Effect[] }> {
  const done = await act(deps, verb, caller, trace, work);
  const effects = await deps.live.settle(done.change);
  return { ...done, effects };
}

/** Year 9999: ISO times beyond it take another form. Unit: ms since the epoch. */
const LATEST = 253_402_300_799_999;

/** The end a span means, ms since the epoch; undefined for no end. Throws `usage` for one that is not ahead of `from`. */
export function endOf(
  span: { forMs?: number | undefined; until?: string | undefined },
  from: number,
): number | undefined {
  const { forMs, until } = span;
  if (forMs !== undefined && until !== undefined)
    throw new SallyportError('usage', 'give a length or an end, not both');
  if (forMs === undefined && until === undefined) return undefined;
  const end = forMs === undefined ? Date.parse(until ?? '') : from + forMs;
  if (!(end > from)) throw new SallyportError('usage', `until ${until ?? end}: that is not ahead: give a later time`);
  if (end > LATEST)
    throw new SallyportError('usage', 'an end after the year 9999: leave it out where there shall be none');
  return end;
}

/** The one of `ids` that begins so. Throws `not-found`, or `usage` when several do. */
export function pickId(ids: readonly string[], prefix: string, what: string): string {
  if (ids.includes(prefix)) return prefix;
  const [first, second] = ids.filter((id) => id.startsWith(prefix));
  if (first === undefined) throw new SallyportError('not-found', `no ${what} ${prefix}`);
  if (second !== undefined)
    throw new SallyportError('usage', `${prefix} could be ${what} ${first} or ${second}: give more of the id`);
  return first;
}
