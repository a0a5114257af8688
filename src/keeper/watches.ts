/** The live sessions that are watched: each has one viewer, started with the first watcher and ended with the last. */
import type { Watches } from '../control/watch.js';
import { type Clock, sleep, within } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import type { ActionQuestion } from '../policy/types.js';
import type { LiveSession, Registry } from './registry.js';
import { createStage, type Stage } from './stage.js';
import { startViewerProcess, type ViewerProcess } from './viewer.js';
import { createWatchNews, type WatchNews } from './watch-news.js';

/** Sessions watched at once: each takes a process of 60 to 200 MB. */
const MAX_WATCHED = 32;
/** What a recording may take to be there, once its session is launched; and what its last bytes may, to be drawn. Unit: ms. */
const APPEAR_MS = 3_000;
const RETRY_MS = 50;
const LAST_MS = 3_000;

const WATCHED: ActionQuestion = { kind: 'action', action: '@watched' };

export interface WatchesParts {
  registry: Registry;
  clock: Clock;
  /** The account viewers change to. */
  drop: { uid: number; gid: number } | undefined;
  log(line: string): void;
}

export interface RunningWatches extends Watches {
  /** Ends every viewer. */
  stop(): void;
}

/** A session that was watched, until it is over. */
interface Room {
  session: LiveSession;
  news: WatchNews;
  now: Watched | undefined;
}

/** From the first watcher to the last, or to the session's end. */
interface Watched {
  session: LiveSession;
  stage: Stage;
  viewer: ViewerProcess | undefined;
  watchers: number;
  /** Nobody is shown anything any more. */
  closed: boolean;
  /** The viewer has drawn all there was. */
  drawn: { promise: Promise<void>; resolve(): void };
}

export function createWatches(parts: WatchesParts): RunningWatches {
  const { registry } = parts;
  const rooms = new Map<string, Room>();
  const roomOf = (session: LiveSession): Room => {
    const known = rooms.get(session.id);
    if (known) return known;
    const room: Room = { session, news: tellEngineer(session, parts), now: undefined };
    rooms.set(session.id, room);
    void session.over.then(() => {
      rooms.delete(session.id);
      room.news.stop();
      if (room.now) void lastWords(room.now, parts);
    });
    return room;
  };
  const begin = (room: Room): Watched => {
    if ([...rooms.values()].filter(({ now }) => now && !now.closed).length >= MAX_WATCHED)
      throw new SallyportError('failed', `watch: ${MAX_WATCHED} sessions are watched already: end one of those first`);
    const { session } = room;
    const now = { session, stage: createStage(), viewer: undefined, watchers: 0, closed: false, drawn: deferred() };
    room.now = now;
    void draw(now, parts);
    return now;
  };
  return {
    join(id, by, signal) {
      const session = registry.get(id);
      if (!session) throw new SallyportError('not-found', `session ${id} has just ended`);
      const room = roomOf(session);
      const one = room.now && !room.now.closed ? room.now : begin(room);
      count(one, 1);
      note(session, `${by} watches`);
      room.news.joined(by);
      signal.addEventListener('abort', () => {
        count(one, -1);
        if (session.state === 'over') return;
        note(session, `${by} no longer watches`);
        room.news.left(by);
      });
      return one.stage.seat(signal);
    },
    stop() {
      for (const { now, news } of rooms.values()) {
        if (now) close(now);
        news.stop();
      }
    },
  };
}

function count(one: Watched, n: 1 | -1): void {
  one.watchers += n;
  if (one.watchers > 0) one.viewer?.audience(one.watchers);
  else close(one);
}

function close(one: Watched): void {
  one.closed = true;
  one.viewer?.stop();
}

const note = ({ pair, id: sid }: LiveSession, text: string): void => {
  pair.toDoor({ type: 'watched', sid, note: text });
};

function tellEngineer(session: LiveSession, { clock }: WatchesParts): WatchNews {
  return createWatchNews({
    clock,
    mayTell: () => session.compiled.decide(WATCHED, clock.now()).allow,
    say: (say) => session.pair.toDoor({ type: 'watched', sid: session.id, say }),
  });
}

async function draw(one: Watched, parts: WatchesParts): Promise<void> {
  const { session, stage, drawn } = one;
  const lost = (why: string) => {
    if (one.closed) return;
    parts.log(`watching session ${session.id}: its viewer is gone: ${why}`);
    stage.fail(new SallyportError('failed', `watch: what draws the session's screen has ended: ${why}; try again`));
    close(one);
    drawn.resolve();
  };
  try {
    one.viewer = await appearing(one, parts, { view: stage.show, over: drawn.resolve, lost });
    if (one.closed) one.viewer?.stop();
    else if (one.watchers > 0) one.viewer?.audience(one.watchers);
  } catch (error) {
    lost(messageOf(error));
  }
}

/** The session is over: what was shown last, and why. */
async function lastWords(one: Watched, { clock }: WatchesParts): Promise<void> {
  one.viewer?.finish();
  await within(clock, one.drawn.promise, LAST_MS);
  one.stage.end(one.session.cause ?? 'crashed');
  close(one);
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A session that is being launched gets its recording in a moment. Undefined: nobody watches any more. */
async function appearing(
  one: Watched,
  { clock, drop }: WatchesParts,
  hooks: Parameters<typeof startViewerProcess>[3],
): Promise<ViewerProcess | undefined> {
  for (const giveUp = clock.mono() + APPEAR_MS; !one.closed; await sleep(clock, RETRY_MS)) {
    try {
      return startViewerProcess(one.session.recording, clock, drop, hooks);
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing || clock.mono() > giveUp) throw error;
    }
  }
  return undefined;
}
