import { Socket } from 'node:net';
import type { Clock, Timer } from '../core/clock.js';
import { QuestionCutter } from './cutter.js';
import { type Answer, formatAnswer, type Message, parseMessage } from './protocol.js';
import { createReminder } from './reminder.js';
import { createLineJudge, type JudgeOptions } from './shells.js';

export type { HeldEnd, HeldEvent, HeldLine, LineDecider, LineEvent } from './shells.js';

/**
 * What one session may ask: a unit is a question, 4 KiB of anything, or 0.2 ms spent on an answer, which keeps a session
 * at a fifth of the door's time in the long run. A paste of typed-ahead lines fits the burst;
 * a process that floods the FIFO waits, and the door does not.
 */
const BURST_UNITS = 2_000;
const UNITS_PER_SECOND = 1_000;
const UNIT_BYTES = 4_096;
const UNITS_PER_MS = 5;
/** Answers nobody reads are dropped beyond this; the shell then refuses by itself. Bytes. */
const MAX_UNREAD = 16 * 1024;

/** Lines looked at in one turn of the event loop. */
const MAX_LOOKED = 100;

export interface LineGateOptions extends JudgeOptions {
  /** The FIFO of questions and the FIFO of answers, both opened O_RDWR, so that no shell's coming and going ends them. Owned from now on. */
  qFd: number;
  aFd: number;
  clock: Clock;
  /** A FIFO failed: no line will be answered, so every line is refused by the shell. */
  onFailure?(error: Error): void;
}

export interface LineGate {
  /** Idempotent; closes both descriptors. */
  close(): void;
}

/** Serves the line gate's FIFOs for one session: one question a turn of the event loop, within a rate. */
export function openLineGate(options: LineGateOptions): LineGate {
  const { clock } = options;
  // As sockets, because file streams would pin a thread of libuv's pool for each FIFO.
  const questions = new Socket({ fd: options.qFd, readable: true, writable: false });
  const answers = new Socket({ fd: options.aFd, readable: false, writable: true });
  const judge = createLineJudge({ ...options, late: (question, answer) => !closed && send(question, answer) });
  const cutter = new QuestionCutter();
  const budget = createBudget(clock);
  const waiting: Buffer[] = [];
  let timer: Timer | undefined;
  let busy = false;
  let closed = false;

  const say = (bytes: string): void => {
    if (answers.writableLength <= MAX_UNREAD) answers.write(bytes);
  };
  const again = createReminder(clock, say);

  const close = (): void => {
    closed = true;
    again.stop();
    waiting.length = 0;
    timer?.cancel();
    questions.destroy();
    answers.destroy();
  };
  const fail = (error: Error): void => {
    if (closed) return;
    close();
    options.onFailure?.(error);
  };
  const turn = (): void => {
    busy = false;
    if (closed) return;
    const wait = budget.wait();
    if (wait > 0) {
      questions.pause();
      busy = true;
      timer = clock.after(wait, turn);
      return;
    }
    const message = timed(nextMessage);
    if (message !== undefined) reply(message);
    if (waiting.length === 0) {
      questions.resume();
      return;
    }
    questions.pause();
    busy = true;
    setImmediate(turn);
  };
  const timed = <T>(work: () => T): T => {
    const began = clock.mono();
    const done = work();
    budget.spend((clock.mono() - began) * UNITS_PER_MS);
    return done;
  };
  /** What does not parse costs no turn of its own, only its time. */
  const nextMessage = (): Message | undefined => {
    for (let looked = 0; looked < MAX_LOOKED; looked += 1) {
      const line = waiting.shift();
      if (line === undefined) return undefined;
      const message = parseMessage(line);
      if (message !== undefined) return message;
    }
    return undefined;
  };
  const reply = (message: Message): void => {
    budget.spend(1);
    const answer = timed(() => judge(message));
    if (message.kind === 'heard') again.heard(message);
    if (answer !== undefined) send(message, answer);
  };
  const send = (message: Message, answer: Answer): void => {
    // fish waits for as long as it takes, and reads one answer.
    if (answer.verb === 'wait' && message.kind === 'line' && message.syntax.shell === 'fish') return;
    const bytes = formatAnswer(message.shell, message.id, answer);
    say(bytes);
    if (message.kind !== 'hello' && again.awaits(message)) again.expect(message, bytes);
  };

  questions.on('data', (chunk: Buffer) => {
    budget.spend(chunk.length / UNIT_BYTES);
    // Nothing more is read until these are answered: what waits is at most one chunk.
    for (const question of timed(() => cutter.push(chunk))) waiting.push(question);
    if (!busy) turn();
  });
  questions.on('error', fail);
  questions.on('end', () => fail(new Error('the FIFO of questions was closed')));
  answers.on('error', fail);
  return { close };
}

interface Budget {
  spend(units: number): void;
  /** ms until something may be spent again; 0: now. */
  wait(): number;
}

function createBudget(clock: Clock): Budget {
  let left = BURST_UNITS;
  let at = clock.mono();
  const refill = (): void => {
    const now = clock.mono();
    left = Math.min(BURST_UNITS, left + ((now - at) / 1_000) * UNITS_PER_SECOND);
    at = now;
  };
  return {
    spend(units) {
      refill();
      left -= units;
    },
    wait() {
      refill();
      return left >= 0 ? 0 : Math.ceil((-left / UNITS_PER_SECOND) * 1_000);
    },
  };
}
