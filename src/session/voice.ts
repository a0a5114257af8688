import type { Clock, Timer } from '../core/clock.js';
import type { PtySize } from '../wire/types.js';
import type { Screen } from './screen.js';

/** Lines kept for the end of a full-screen program; of more, the number. */
const MAX_HELD = 20;
/** A full-screen program that lasts so long after a refusal (tmux, screen) has it on its last row. Unit: ms. */
const HOLD_MS = 2_000;
/** How long the last row is ours before the program is asked to draw it again. Unit: ms. */
const ROW_MS = 8_000;
/** Longest wait for the rest of a sequence that the programs began. Unit: ms. */
const WHOLE_MS = 100;

/** Our own words, said so that they garble nothing. */
export interface Voice {
  /** What cannot wait, a warning: at once, on the last row of a full-screen program. */
  say(text: string): void;
  /** What can, a refusal: shown when a full-screen program is left; after a while on its last row, too. */
  tell(...texts: string[]): void;
  /** A question: at the beginning of a line, the cursor left behind it. */
  ask(text: string): void;
  /** Something was sent to the terminal: what waited for that may go. */
  shown(): void;
  resized(cols: number, rows: number): void;
  /** Everything held is shown now. */
  flush(): void;
}

export interface VoiceParts {
  clock: Clock;
  screen: Screen;
  /** Absent: no terminal, and nothing ever waits. */
  size: PtySize | undefined;
  send(bytes: Buffer): void;
  /** Has the full-screen program draw its screen anew. */
  redraw(size: PtySize): void;
}

export function createVoice({ clock, screen, size: first, send, redraw }: VoiceParts): Voice {
  let size = first;
  let held: string[] = [];
  let more = 0;
  /** What was not on the last row yet: how many, and the last. */
  let unseen = 0;
  let latest = '';
  let hold: Timer | undefined;
  let row: Timer | undefined;
  /** Words for after the sequence that is being sent. */
  let waiting: (() => void)[] = [];
  let patience: Timer | undefined;

  const go = () => {
    patience?.cancel();
    patience = undefined;
    const words = waiting;
    waiting = [];
    for (const word of words) word();
  };
  const whenWhole = (word: () => void) => {
    if (screen.whole && waiting.length === 0) return word();
    if (waiting.length < MAX_HELD) waiting.push(word);
    patience ??= clock.after(WHOLE_MS, go);
  };
  const lines = (...texts: string[]) => send(screen.lines(...texts));
  const onLastRow = (text: string) => {
    if (!screen.full || size === undefined) return lines(text);
    const { cols, rows } = size;
    send(screen.lastRow(text, cols, rows));
    row?.cancel();
    row = clock.after(ROW_MS, () => {
      row = undefined;
      if (screen.full && size !== undefined) redraw(size);
    });
  };
  const release = () => {
    hold?.cancel();
    hold = undefined;
    const rest = more > 0 ? [`sallyport: and ${more} more such lines, which are in the recording`] : [];
    const texts = [...held, ...rest];
    held = [];
    more = 0;
    unseen = 0;
    if (texts.length > 0) lines(...texts);
  };
  const onHold = () => {
    hold = undefined;
    if (!screen.full || unseen === 0) return;
    const others = unseen - 1;
    unseen = 0;
    const text = others > 0 ? `(${others} before it) ${latest}` : latest;
    whenWhole(() => onLastRow(text));
  };

  return {
    say: (text) => whenWhole(() => onLastRow(text)),
    tell(...texts) {
      if (!screen.full) return whenWhole(() => lines(...texts));
      more += Math.max(0, held.length + texts.length - MAX_HELD);
      held.push(...texts.slice(0, MAX_HELD - held.length));
      unseen += texts.length;
      latest = texts.at(-1) ?? latest;
      hold ??= clock.after(HOLD_MS, onHold);
    },
    ask: (text) => whenWhole(() => send(screen.opening(text))),
    shown() {
      if (waiting.length > 0 && screen.whole) go();
      if (held.length > 0 && !screen.full && screen.whole) release();
    },
    resized(cols, rows) {
      if (size !== undefined) size = { cols, rows };
    },
    flush() {
      row?.cancel();
      go();
      release();
    },
  };
}
