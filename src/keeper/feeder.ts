/** The feeder's process as the keeper sees it: it asks the addresses of feeds, and reads what they and files say. */
import type { Clock } from '../core/clock.js';
import { type FetchOrder, type FromFeeder, fromFeeder, type Subjects, type ToFeeder } from '../wire/feeder.js';
import { createHelper } from './helper.js';

/** Beyond its own time-out, what an answer may take to be read and sent. Unit: ms. */
const READ_MS = 5_000;

export interface Feeder {
  fetch(order: Omit<FetchOrder, 'type' | 'q'>): Promise<Subjects>;
  /** What the text of a file tells of everyone. */
  read(text: string): Promise<Subjects>;
  stop(): void;
}

export function createFeeder(
  clock: Clock,
  drop: { uid: number; gid: number } | undefined,
  log: (line: string) => void,
): Feeder {
  const helper = createHelper<FromFeeder, ToFeeder, Subjects>({
    name: 'feeder',
    entry: '../feeds/main.js',
    clock,
    incoming: fromFeeder,
    hello: { type: 'hello', ...(drop === undefined ? {} : { drop }) },
    answerOf(message) {
      if (message.type === 'told') return { re: message.re, answer: message.subjects };
      return message.type === 'failed' ? { re: message.re, answer: new Error(message.why) } : undefined;
    },
    log,
  });
  return {
    fetch: (order) => helper.ask(order.timeoutMs + READ_MS, (q) => ({ type: 'fetch', q, ...order })),
    read: (text) => helper.ask(READ_MS, (q) => ({ type: 'read', q, text })),
    stop: () => helper.stop(),
  };
}
