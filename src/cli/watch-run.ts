/** Shows a live session in this terminal. What is typed here goes nowhere: it only ends the watching. */
import { askFrames } from '../control/stream-client.js';
import { type WatchEvent, watchEvent } from '../control/watch.js';
import type { Clock } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { escapeText, safeJson } from '../core/escape.js';
import type { Place } from './place.js';
import { untilInterrupted } from './readable.js';
import { createPainter, ENTER, LEAVE } from './watch-paint.js';
import { type Picture, plainRow, plainRows, withView } from './watch-picture.js';

export interface WatchHow {
  json: boolean;
  /** The screen as it is now, as text, and no more. */
  once: boolean;
  clock: Clock;
}

/** How long one look waits for a long recording to be drawn whole. Unit: ms. */
const ONE_LOOK_MS = 20_000;

/** Resolves when the session has ended or the watcher has had enough; rejects with `refused` when the right to has gone. */
export async function watchSession({ way }: Place, id: string, how: WatchHow): Promise<void> {
  const stop = new AbortController();
  untilInterrupted().addEventListener('abort', () => stop.abort());
  const stream = { way, verb: 'watch' as const, request: { id }, schema: watchEvent, signal: stop.signal };
  const events = itemsOf(askFrames(stream));
  if (how.json && !how.once) return await printEvents(events);
  if (how.once || !process.stdout.isTTY) return await printOnce(events, stop, how);
  await show(events, stop);
}

async function* itemsOf(found: ReturnType<typeof askFrames<'watch', WatchEvent>>): AsyncGenerator<WatchEvent> {
  for await (const one of found) {
    if ('problem' in one) throw new SallyportError('failed', one.problem);
    yield one.item;
  }
}

async function printEvents(events: AsyncIterable<WatchEvent>): Promise<void> {
  for await (const event of events) await write(`${safeJson(shownEvent(event))}\n`);
}

/** Rows with their text besides their runs, for programs that look for words. */
function shownEvent(event: WatchEvent): object {
  if (event.type !== 'screen') return event;
  const { lines, ...rest } = event.view;
  return { type: 'screen', ...rest, lines: lines.map(([row, runs]) => ({ row, text: plainRow(runs), runs })) };
}

async function printOnce(
  events: AsyncIterable<WatchEvent>,
  stop: AbortController,
  { json, once, clock }: WatchHow,
): Promise<void> {
  const patience = clock.after(ONE_LOOK_MS, () => stop.abort());
  let picture: Picture | undefined;
  try {
    for await (const event of events) {
      if (event.type === 'screen') picture = withView(picture, event.view);
      if (event.type === 'screen' && event.view.exact) break;
    }
  } finally {
    patience.cancel();
    stop.abort();
  }
  if (!picture) return;
  if (!once) process.stderr.write('sallyport: no terminal here to watch in: this is the screen as it is now\n');
  const { lines, ...rest } = picture;
  const rows = lines.map((runs, row) => ({ row, text: plainRow(runs), runs }));
  if (json) await write(`${safeJson({ type: 'screen', ...rest, lines: rows })}\n`);
  else
    await write(
      plainRows(picture)
        .map((row) => `${row}\n`)
        .join(''),
    );
}

async function show(events: AsyncIterable<WatchEvent>, stop: AbortController): Promise<void> {
  const { stdout } = process;
  let picture: Picture | undefined;
  let painter = createPainter('watching');
  let ended: string | undefined;
  let shown = false;
  const paint = async () => {
    if (!picture || stop.signal.aborted) return;
    const size = { cols: stdout.columns || 80, rows: stdout.rows || 24 };
    await write((shown ? '' : ENTER) + painter.paint(picture, size));
    shown = true;
  };
  const onResize = () => void paint();
  const leaveKeys = keysThatLeave(stop);
  stdout.on('resize', onResize);
  try {
    for await (const event of events) {
      if (event.type === 'session') painter = createPainter(titleOf(event.session));
      else if (event.type === 'end') ended = event.cause;
      else {
        picture = withView(picture, event.view);
        await paint();
      }
    }
  } finally {
    stdout.off('resize', onResize);
    leaveKeys();
    if (shown) await write(LEAVE);
  }
  if (ended !== undefined) await write(`sallyport: session closed: ${escapeText(ended)}\n`);
}

const titleOf = ({ user, target, id }: Extract<WatchEvent, { type: 'session' }>['session']) =>
  `watching ${escapeText(user)} on ${escapeText(target)}, session ${escapeText(id)}`;

/** q and Ctrl-C; nothing typed is shown or sent anywhere. Returns what gives the keyboard back. */
function keysThatLeave(stop: AbortController): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const onKeys = (keys: Buffer) => {
    if (keys.includes('q') || keys.includes(3)) stop.abort();
  };
  stdin.setRawMode(true);
  stdin.on('data', onKeys);
  stdin.once('end', () => stop.abort());
  return () => {
    stdin.off('data', onKeys);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** At the pace of whoever reads it: a terminal that stands still holds up nobody else. */
async function write(text: string): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}
