import type { Clock, Timer } from '../../core/clock.js';
import { type AnswerReader, createAnswerReader } from './answer.js';

/** Typed while something is held and not part of an answer: kept for the programs. More of it withdraws. Bytes. */
const MAX_KEPT = 256 * 1024;
/** A client that does not say that the question has reached it is taken to have it. Unit: ms. */
const REACH_MS = 2_000;
/** What the shell drew as it handed the line over is on its way through the terminal still. Unit: ms. */
const SETTLE_MS = 40;
/** So long after the last output of programs the question is shown again below it. Unit: ms. */
const AGAIN_MS = 250;
const CTRL_C = 0x03;
/** A sequence that goes on after what was typed ahead. */
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*)$/;

/** What came of a question: an answer, a Ctrl-C, or news that make the answer matter no more. */
export type Heard = { typed: string } | 'withdrawn' | 'interrupted';

/** The person's keys and the terminal while something is held: nothing typed reaches the programs meanwhile. */
export interface HeldConsole {
  /** Takes the keys from here on. */
  begin(): void;
  /** Shows a question and reads its answer. What was typed before the question was there is no answer. */
  ask(question: string, hidden: boolean): Promise<Heard>;
  /** Shows a line and waits for Ctrl-C or `interrupt`. */
  wait(line: string): Promise<Heard>;
  /** A whole line of ours. */
  say(line: string): void;
  /** Ctrl-C came when nothing was asked. */
  readonly withdrawn: boolean;
  /** Ends a question that waits. */
  interrupt(): void;
  /** Gives the keys back, and hands over what was typed for the programs. */
  finish(): void;
  /** True: the bytes were taken. */
  take(chunk: Buffer): boolean;
  /** The person can say no more. */
  ended(): void;
  /** Programs wrote to the terminal. */
  disturbed(): void;
}

export interface ConsoleParts {
  clock: Clock;
  /** Shows text at the beginning of a line of its own, and leaves the cursor behind it. */
  open(text: string): void;
  /** The same; calls back when the client says that it has it, perhaps never. */
  pose(text: string, reached: () => void): void;
  /** Shows text where the cursor is. */
  send(text: string): void;
  /** Hands bytes to the programs. */
  deliver(bytes: Buffer): void;
}

interface Question {
  text: string;
  /** Absent: nothing but Ctrl-C is read. */
  reader?: AnswerReader;
  shown: boolean;
  /** The client has it: what comes now may be its answer. */
  there: boolean;
  settle(heard: Heard): void;
}

export function createConsole(parts: ConsoleParts): HeldConsole {
  const { clock } = parts;
  let on = false;
  let withdrawn = false;
  let kept: Buffer[] = [];
  let size = 0;
  let question: Question | undefined;
  let again: Timer | undefined;

  const keep = (bytes: Buffer) => {
    kept.push(bytes);
    size += bytes.length;
    if (size > MAX_KEPT) withdraw();
  };
  const end = (heard: Heard) => {
    again?.cancel();
    again = undefined;
    const asked = question;
    question = undefined;
    if (asked === undefined) return;
    if (asked.shown) parts.send('\r\n');
    asked.settle(heard);
  };
  const withdraw = () => {
    if (question === undefined) withdrawn = true;
    end('withdrawn');
  };
  /** Ctrl-C drops what was typed before it, as a terminal does. */
  const keepAhead = (chunk: Buffer) => {
    const at = chunk.lastIndexOf(CTRL_C);
    if (at >= 0) {
      kept = [];
      size = 0;
    }
    keep(chunk.subarray(at + 1));
    if (at >= 0) withdraw();
  };
  const answer = (reader: AnswerReader, chunk: Buffer) => {
    const { echo, done, programs } = reader.feed(chunk);
    if (echo !== '') parts.send(echo);
    if (programs.length > 0) keep(programs);
    if (done === 'enter') end({ typed: reader.text });
    else if (done === 'cancel') end('withdrawn');
  };
  /** The rest of a sequence whose beginning came before the question belongs to the same. */
  const arrived = (asked: Question) => {
    asked.there = true;
    const all = Buffer.concat(kept);
    const cut = UNFINISHED.exec(all.toString('latin1'))?.index ?? all.length;
    kept = [all.subarray(0, cut)];
    size = cut;
    if (asked.reader && cut < all.length) answer(asked.reader, all.subarray(cut));
  };
  const pose = (asked: Question) => {
    if (question !== asked) return;
    const reached = () => {
      if (question === asked && !asked.there) arrived(asked);
    };
    asked.shown = true;
    parts.pose(asked.text, reached);
    clock.after(REACH_MS, reached);
  };
  const put = (text: string, reader?: AnswerReader) =>
    new Promise<Heard>((settle) => {
      if (withdrawn) settle('withdrawn');
      else {
        const asked = { text, shown: false, there: false, settle, ...(reader && { reader }) };
        question = asked;
        clock.after(SETTLE_MS, () => pose(asked));
      }
    });

  return {
    begin() {
      on = true;
      withdrawn = false;
    },
    ask: (text, hidden) => put(text, createAnswerReader(hidden)),
    wait: (line) => put(line),
    say(line) {
      parts.open(`${line}\r\n`);
    },
    get withdrawn() {
      return withdrawn;
    },
    interrupt: () => end('interrupted'),
    finish() {
      on = false;
      end('interrupted');
      const bytes = Buffer.concat(kept);
      kept = [];
      size = 0;
      if (bytes.length > 0) parts.deliver(bytes);
    },
    take(chunk) {
      if (!on) return false;
      if (question?.there && question.reader) answer(question.reader, chunk);
      else keepAhead(chunk);
      return true;
    },
    ended() {
      if (on) withdraw();
    },
    disturbed() {
      if (!question?.shown) return;
      again?.cancel();
      again = clock.after(AGAIN_MS, () => {
        if (question) parts.open(`${question.text}${question.reader?.shown ?? ''}`);
      });
    },
  };
}
