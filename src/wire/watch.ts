/** The messages between the keeper and a viewer, the process that draws the screen of one watched session. */
import { z } from 'zod';
import { END_CAUSES } from '../core/causes.js';
import { helperBeat, helperHello, helperReady } from './helper.js';

/** A viewer's descriptor of the recording when the keeper starts it. */
export const RECORDING_FD = 4;

/** The largest screen drawn: of a larger one its upper left. */
export const MAX_COLS = 500;
export const MAX_ROWS = 200;
/** Characters of one view, styles included; a screen with more loses styles, then marks, so that no session makes watching dear. */
export const MAX_VIEW = 512 * 1024;

/** Characters of one row: of each of its cells a character with its marks, and looks of its own. */
const MAX_ROW = MAX_COLS * 64;

const size = z.number().int().min(1);
const place = z.number().int().min(0).max(MAX_COLS);

/** Characters side by side that look alike. Holds no control character: whoever draws it sees to that all the same. */
const run = z.strictObject({
  text: z.string().max(MAX_ROW),
  /** Parameters of SGR, such as `1;31`; absent: plain. */
  style: z
    .string()
    .regex(/^[\d;]{1,80}$/)
    .exactOptional(),
  /** Each character takes two cells. */
  wide: z.literal(true).exactOptional(),
  /** All of `text` is one character with its marks. */
  joined: z.literal(true).exactOptional(),
});

const row = z
  .array(run)
  .max(MAX_COLS)
  .refine((runs) => runs.reduce((sum, one) => sum + one.text.length, 0) <= MAX_ROW, 'a row is too long');

/** A screen, or what has changed of it since the view before. */
export const view = z.strictObject({
  cols: size.max(MAX_COLS),
  rows: size.max(MAX_ROWS),
  cursor: z.strictObject({ col: place, row: place, shown: z.boolean() }),
  /** False: drawn from the end of a long recording, so that what was drawn before may be missing still. */
  exact: z.boolean(),
  /** Rows, counted from 0, whose contents are new; blanks at the end of one are left out. */
  lines: z.array(z.tuple([place, row])).max(MAX_ROWS),
});

export type Run = z.infer<typeof run>;
export type View = z.infer<typeof view>;

const viewerOrder = z.discriminatedUnion('type', [
  /** How many watch: what they are sent costs each of them. */
  z.object({ type: z.literal('audience'), watchers: z.number().int().min(0) }),
  /** The session is over: nothing is written any more. */
  z.object({ type: z.literal('finish') }),
]);
const viewerNews = z.discriminatedUnion('type', [
  z.object({ type: z.literal('view'), view }),
  /** All has been drawn and sent; the cause where the recording says it. */
  z.object({ type: z.literal('over'), cause: z.enum(END_CAUSES).optional() }),
]);

/** keeper → viewer */
export const toViewer = z.union([helperHello, viewerOrder]);
/** viewer → keeper */
export const fromViewer = z.union([helperReady, helperBeat, viewerNews]);

export type ViewerOrder = z.infer<typeof viewerOrder>;
export type ViewerNews = z.infer<typeof viewerNews>;
export type ToViewer = z.infer<typeof toViewer>;
export type FromViewer = z.infer<typeof fromViewer>;
