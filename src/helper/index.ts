/** The life of a helper process: what it does for the keeper comes from outside, the rest is the same for all of them. */
import { Socket } from 'node:net';
import type { z } from 'zod';
import { type Clock, systemClock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { setCloexec } from '../os/fd.js';
import { dropPrivileges } from '../os/privileges.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS } from '../wire/guard.js';
import { HELPER_LINK, type HelperHello, type HelperSign } from '../wire/helper.js';

export interface HelperWork<Order extends { q: number }, Answer> {
  /** What it is called in the log. */
  name: string;
  incoming: z.ZodType<HelperHello | Order>;
  /** Does one order; several may be under way. */
  carryOut(order: Order, clock: Clock): Promise<Answer>;
  /** The answer to an order that failed. */
  failed(order: Order, error: unknown): Answer;
  /** The last thing before the process ends. */
  end?(): void;
}

/** Becomes what the keeper says and works until the keeper is gone. Called once, by the process's own program. */
export function serveKeeper<Order extends { q: number }, Answer>(work: HelperWork<Order, Answer>): void {
  const { name, incoming, end } = work;
  const keeper = liveForKeeper<Order, Answer>({
    name,
    incoming,
    isOrder: (message): message is Order => 'q' in message,
    heard(order, clock) {
      work.carryOut(order, clock).then(
        (answer) => keeper.send(answer),
        (error) => keeper.send(work.failed(order, error)),
      );
    },
    ...(end === undefined ? {} : { end }),
  });
}

export interface HelperLife<Order> {
  /** What it is called in the log. */
  name: string;
  incoming: z.ZodType<HelperHello | Order>;
  isOrder(message: HelperHello | Order): message is Order;
  /** It has become what the keeper says. */
  started?(clock: Clock): void;
  heard(order: Order, clock: Clock): void;
  /** The last thing before the process ends. */
  end?(): void;
}

/** Becomes what the keeper says, hears it, and ends with it, or with the first error. Called once, by the process's own program. */
export function liveForKeeper<Order, Said>(life: HelperLife<Order>): Link<HelperSign | Said> {
  const clock = systemClock();
  const parent = process.ppid;

  const die = (why: string | undefined): never => {
    if (why) process.stderr.write(`sallyport: ${life.name}: ${why}\n`);
    life.end?.();
    process.exit(1);
  };

  const start = ({ drop }: HelperHello) => {
    try {
      dropPrivileges(parent, drop);
    } catch (error) {
      die(messageOf(error));
    }
    clock.every(BEAT_MS, () => keeper.send({ type: 'beat' }));
    keeper.send({ type: 'ready' });
    life.started?.(clock);
  };

  // What it starts is not to speak to the keeper.
  setCloexec(HELPER_LINK);
  const keeper: Link<HelperSign | Said> = createLink(new Socket({ fd: HELPER_LINK, readable: true, writable: true }), {
    incoming: life.incoming,
    onMessage: (message) => (life.isOrder(message) ? life.heard(message, clock) : start(message)),
    onClose: (reason) => die(reason && `keeper: ${reason}`),
  });
  dieOfErrors(die);
  return keeper;
}

function dieOfErrors(die: (why: string) => never): void {
  // Whoever reads what it says may leave, and the keeper decides when it ends.
  process.stderr.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  const dieOf = (error: unknown) => die(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.on('uncaughtException', dieOf);
  process.on('unhandledRejection', dieOf);
}
