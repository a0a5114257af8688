/** Watching live sessions: what the stream says, and what the keeper does for it. */
import { z } from 'zod';
import { END_CAUSES } from '../core/causes.js';
import { SallyportError } from '../core/errors.js';
import { type View, view } from '../wire/watch.js';
import { act, entryOf, pickId } from './act.js';
import type { Caller } from './admin-port.js';
import type { Deps } from './deps.js';
import * as s from './shapes.js';

export type { Run, View } from '../wire/watch.js';

/** First the session, then its screen, whole, and what changes of it; a watcher who is slow gets it whole again. */
export const watchEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('session'), session: s.session, command: z.string().exactOptional() }),
  z.object({ type: z.literal('screen'), view }),
  /** The session has ended, why: the last of the stream. */
  z.object({ type: z.literal('end'), cause: z.enum(END_CAUSES) }),
]);
export type WatchEvent = z.infer<typeof watchEvent>;

/** The same object for every watcher, where it is the same to all. */
export interface Seen {
  item: { type: 'screen'; view: View };
}

export type Ending = Extract<WatchEvent, { type: 'end' }>;

/** Who draws what is watched. */
export interface Watches {
  /**
   * What `by` sees of a live session until it ends, or the signal: they watch from now on, whether anything is read or not.
   * Throws `not-found`, or `failed` where too many sessions are watched.
   */
  join(id: string, by: string, signal: AbortSignal): AsyncIterable<Seen | { item: Ending }>;
}

type WatchDeps = Pick<Deps, 'audit' | 'live'> & { watches: Watches };

/** Resolves when it is durable in the audit log who watches. */
export async function watchIn(
  deps: WatchDeps,
  prefix: string,
  caller: Caller,
  signal: AbortSignal,
): Promise<AsyncIterable<{ item: WatchEvent }>> {
  const { live, audit, watches } = deps;
  const ids = live.sessions().map((one) => one.id);
  const id = pickId(ids, prefix, 'live session');
  if (caller.session === id)
    throw new SallyportError(
      'usage',
      'watch: that is the very session you ask from: what it shows would change what it shows',
    );
  const found = live.session(id);
  if (!found) throw new SallyportError('not-found', `session ${id} has just ended`);
  const { info, command } = found;
  const trace = { text: 'watch the session', session: id, user: info.user, target: info.target };
  return await act(deps, 'watch', caller, trace, async () => {
    if (signal.aborted) throw new SallyportError('failed', 'the client has left');
    const seen = watches.join(id, caller.name, signal);
    signal.addEventListener('abort', () => {
      const over = { ...trace, text: 'no longer watch the session' };
      if (audit.healthy()) audit.append(entryOf('watch', caller, over));
    });
    return told(seen, { type: 'session', session: info, ...(command === undefined ? {} : { command }) });
  });
}

async function* told(
  seen: AsyncIterable<{ item: WatchEvent }>,
  first: WatchEvent,
): AsyncGenerator<{ item: WatchEvent }> {
  yield { item: first };
  yield* seen;
}
