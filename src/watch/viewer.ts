import { type Clock, sleep } from '../core/clock.js';
import type { Run, View, ViewerNews } from '../wire/watch.js';
import { boundedRows } from './bounded.js';
import { type Head, lineAfter, readHead, sizeBefore, sizeOf } from './file.js';
import { createTrack, type Track } from './track.js';

/** How often the recording is looked at for more. Unit: ms. */
const POLL_MS = 15;
/** Bytes read and drawn before it is looked whether anybody must be shown something: as many as take so long, ms. */
const SLICE = { least: 2 * 1024, most: 256 * 1024, ms: 50 };
/** Views a second, and characters a second, sent to all watchers together. */
const ALL_VIEWS = 2_500;
const ALL_CHARACTERS = 10_000_000;
/** Least time between two views, ms. */
const BETWEEN_MS = 33;
/** A screen is shown as it is after so long, though more of it is still to be drawn. Unit: ms. */
const IMPATIENT_MS = 400;

export interface ViewerLimits {
  /** Further behind than this, the screen is drawn from the recording's end until all of it has been drawn. Bytes. */
  behind: number;
  /** What is drawn of its end then. Bytes. */
  tail: number;
}

const LIMITS: ViewerLimits = { behind: 4 << 20, tail: 512 * 1024 };

export interface ViewerParts {
  fd: number;
  clock: Clock;
  send(message: ViewerNews): void;
  limits?: ViewerLimits;
}

export interface Viewer {
  audience(watchers: number): void;
  /** Nothing is written any more: what is left is drawn, and `over` sent. */
  finish(): void;
  stop(): void;
  /** Resolves when it has sent `over` or was stopped; rejects when the recording cannot be read. */
  readonly done: Promise<void>;
}

/** Follows a recording and tells what its screen looks like, no more often than those who watch can be sent. */
export function startViewer({ fd, clock, send, limits = LIMITS }: ViewerParts): Viewer {
  let watchers = 1;
  let bytes = SLICE.least * 8;
  let finishing = false;
  let stopped = false;
  /** Draws everything. */
  let whole: Track | undefined;
  /** Draws the end alone while the other has too much before it. */
  let ahead: Track | undefined;
  const sent = createSent();
  let nextAt = 0;
  let shownAt = clock.mono();
  let head: Head | undefined;

  const trackFrom = (from: number, at: Head): Track => {
    const { width, height, pty } = at.header;
    const { cols, rows } = (from > at.end ? sizeBefore(fd, from) : undefined) ?? { cols: width, rows: height };
    return createTrack({ fd, from, cols, rows, pty });
  };
  const jump = (size: number, at: Head) => {
    ahead?.close();
    ahead = trackFrom(Math.min(size, lineAfter(fd, size - limits.tail)), at);
  };
  const promote = () => {
    if (!whole || !ahead || whole.position < ahead.position) return;
    ahead.close();
    ahead = undefined;
    sent.changed = true;
  };
  const slice = async (track: Track): Promise<number> => {
    const begun = clock.mono();
    const length = await track.advance(bytes);
    const took = Math.max(1, clock.mono() - begun);
    if (length > 0) bytes = Math.min(SLICE.most, Math.max(SLICE.least, Math.round((length * SLICE.ms) / took)));
    return length;
  };
  /** True: there may be more to do at once. */
  const step = async (at: Head): Promise<boolean> => {
    whole ??= trackFrom(at.end, at);
    const size = sizeOf(fd);
    const front = ahead ?? whole;
    if (size - front.position > limits.behind) {
      jump(size, at);
      return true;
    }
    if ((await slice(front)) > 0) {
      sent.changed = true;
      return true;
    }
    if (!ahead || (await slice(whole)) === 0) return false;
    promote();
    return true;
  };
  const show = (track: Track) => {
    const view = sent.next(track, ahead === undefined);
    if (!view) return;
    const cost = JSON.stringify(view).length;
    const wait = Math.max(BETWEEN_MS, (watchers * 1_000) / ALL_VIEWS, (watchers * cost * 1_000) / ALL_CHARACTERS);
    shownAt = clock.mono();
    nextAt = shownAt + wait;
    send({ type: 'view', view });
  };
  const atEnd = () => sizeOf(fd) <= ((ahead ?? whole)?.position ?? 0);

  const turn = async (): Promise<'over' | 'busy' | 'idle'> => {
    head ??= readHead(fd);
    if (!head) return finishing ? 'over' : 'idle';
    const busy = await step(head);
    const track = ahead ?? whole;
    if (!track) return 'idle';
    const now = clock.mono();
    const isOver = atEnd() && (finishing || track.cause !== undefined);
    const due = now >= nextAt && (atEnd() || now - shownAt > IMPATIENT_MS);
    if (sent.changed && (due || isOver)) show(track);
    if (isOver) return 'over';
    return busy ? 'busy' : 'idle';
  };
  const run = async () => {
    for (let state = await turn(); state !== 'over' && !stopped; state = await turn())
      await (state === 'busy' ? new Promise<void>((resolve) => setImmediate(resolve)) : sleep(clock, POLL_MS));
    if (stopped) return;
    const cause = (ahead ?? whole)?.cause;
    send({ type: 'over', ...(cause === undefined ? {} : { cause }) });
  };
  const done = run().finally(() => {
    ahead?.close();
    whole?.close();
  });
  return {
    audience(n) {
      watchers = Math.max(1, n);
    },
    finish() {
      finishing = true;
    },
    stop() {
      stopped = true;
    },
    done,
  };
}

/** What the watchers have: only what is new is sent again. */
function createSent() {
  let size = '';
  let rest = '';
  let rows: string[] = [];
  return {
    /** Something was drawn since the last view. */
    changed: true,
    /** Undefined when it looks as it did. */
    next({ emulator }: Track, exact: boolean): View | undefined {
      this.changed = false;
      const { cols, rows: height } = emulator;
      const cursor = emulator.cursor();
      const all = boundedRows(Array.from({ length: height }, (_, y) => emulator.row(y)));
      if (size !== `${cols}x${height}`) rows = [];
      size = `${cols}x${height}`;
      const before = rows;
      rows = all.map((runs) => JSON.stringify(runs));
      const lines = all.flatMap((runs, y): [number, Run[]][] => (rows[y] === before[y] ? [] : [[y, [...runs]]]));
      const same = rest;
      rest = JSON.stringify([size, cursor, exact]);
      if (lines.length === 0 && rest === same) return undefined;
      return { cols, rows: height, cursor, exact, lines };
    },
  };
}
