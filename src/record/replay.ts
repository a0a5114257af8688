import { sleep } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { createLineEndings } from './line-endings.js';
import { markerMatches } from './markers.js';
import { type ReadWhat, readCast } from './reader.js';
import { createTerminalFilter, type TerminalFilter } from './terminal-filter.js';
import type { Cast, CastEvent, OpenBytes, ReplayOptions } from './types.js';

/**
 * Plays a recording into a terminal, through the filter. Resolves at its end or when `signal` aborts, with the terminal put
 * right. Throws SallyportError for a file that is none, a command that is not in it, and (after playing what it can) damage.
 */
export async function replay(options: ReplayOptions): Promise<void> {
  const { path, out, signal, speed = 1 } = options;
  if (!(speed > 0)) throw new SallyportError('usage', 'a replay needs a speed above 0, such as 2 or 0.5');
  const startAt = await startOf(path, options.at);
  const cast = await castAt(path);
  const filter = createTerminalFilter();
  try {
    await play(cast, filter, startAt, options);
  } finally {
    await cast.close();
    await send(out, `${filter.reset()}\r\n`, signal);
  }
}

async function play(cast: Cast, filter: TerminalFilter, startAt: number, options: ReplayOptions): Promise<void> {
  const pace = createPace(options, startAt);
  const crlf = cast.header.pty ? (text: string) => text : createLineEndings();
  for await (const event of cast.events) {
    await pace.until(event.at);
    if (options.signal?.aborted || !options.out.writable) return;
    if (event.kind === 'output') await send(options.out, filter.push(crlf(event.text)), options.signal);
    else if (event.kind === 'marker' && options.markers && event.at >= startAt)
      await send(options.out, markerLine(event, filter), options.signal);
  }
}

const castAt = async (path: string | OpenBytes, what?: ReadWhat) =>
  readCast(typeof path === 'string' ? path : await path(), what);

/** ms since the start at which to begin. */
async function startOf(path: string | OpenBytes, at: number | string | undefined): Promise<number> {
  if (typeof at !== 'string') return at ?? 0;
  const cast = await castAt(path, 'markers');
  try {
    if (cast.header.command?.includes(at)) return 0;
    for await (const event of cast.events) if (event.kind === 'marker' && markerMatches(event, at)) return event.at;
  } finally {
    await cast.close();
  }
  throw new SallyportError(
    'not-found',
    `no typed or refused command in this session contains '${escapeText(at)}'; give a shorter part of it, or an offset`,
  );
}

interface Pace {
  /** Waits for the moment of an event `at` ms into the recording, or for the signal. */
  until(at: number): Promise<void>;
}

/** Deadlines on the clock rather than pauses, so that drawing does not slow the replay down. */
function createPace({ clock, speed = 1, idleLimitMs, signal }: ReplayOptions, startAt: number): Pace {
  const begun = clock.mono();
  let last = startAt;
  let played = 0; // recorded ms since startAt, long pauses cut
  return {
    async until(at) {
      if (at <= last) return;
      played += Math.min(at - last, idleLimitMs ?? Number.POSITIVE_INFINITY);
      last = at;
      const wait = begun + played / speed - clock.mono();
      if (wait > 0) await sleep(clock, wait, signal);
    },
  };
}

/** On the alternate screen a line of ours would tear a program's picture: nothing is shown there. */
function markerLine(event: CastEvent & { kind: 'marker' }, filter: TerminalFilter): string {
  if (filter.alternate) return '';
  return `\r\n\u001b[0;7m ${escapeText(event.label, 300)} \u001b[0m\r\n`;
}

async function send(out: NodeJS.WritableStream, text: string, signal: AbortSignal | undefined): Promise<void> {
  if (text === '' || !out.writable || out.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const name of ['drain', 'close', 'error']) out.removeListener(name, done);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    for (const name of ['drain', 'close', 'error']) out.once(name, done);
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}
