/** The messenger's process as the keeper sees it: it carries what hooks are told. */
import type { Clock } from '../core/clock.js';
import { DeliveryError } from '../hooks/index.js';
import {
  type FromMessenger,
  fromMessenger,
  type PostOrder,
  type RunOrder,
  type SyslogOrder,
  type ToMessenger,
} from '../wire/messenger.js';
import { createHelper } from './helper.js';

/** Beyond its own time-out, what an order may take to arrive and be answered. Unit: ms. */
const TURN_MS = 5_000;

type Order<T> = Omit<T, 'type' | 'q'>;

/** Each rejects with a DeliveryError, or when the messenger is gone or silent. */
export interface Messenger {
  post(order: Order<PostOrder>): Promise<void>;
  run(order: Order<RunOrder>): Promise<void>;
  syslog(order: Order<SyslogOrder>): Promise<void>;
  stop(): void;
}

export function createMessenger(
  clock: Clock,
  drop: { uid: number; gid: number } | undefined,
  log: (line: string) => void,
): Messenger {
  const helper = createHelper<FromMessenger, ToMessenger, undefined>({
    name: 'messenger',
    entry: '../hooks/main.js',
    clock,
    incoming: fromMessenger,
    hello: { type: 'hello', ...(drop === undefined ? {} : { drop }) },
    answerOf(message) {
      if (message.type === 'done') return { re: message.re, answer: undefined };
      if (message.type !== 'failed') return undefined;
      return { re: message.re, answer: new DeliveryError(message.why, message.again, message.afterMs) };
    },
    log,
  });
  const patience = ({ timeoutMs }: { timeoutMs: number }) => timeoutMs + TURN_MS;
  return {
    post: (order) => helper.ask(patience(order), (q) => ({ type: 'post', q, ...order })),
    run: (order) => helper.ask(patience(order), (q) => ({ type: 'run', q, ...order })),
    syslog: (order) => helper.ask(patience(order), (q) => ({ type: 'syslog', q, ...order })),
    stop: () => helper.stop(),
  };
}
