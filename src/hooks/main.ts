/** The messenger's process: carries what hooks are told. No privilege. Started by the keeper alone. */
import { Socket } from 'node:net';
import { systemClock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { setCloexec } from '../os/fd.js';
import { dropPrivileges } from '../os/privileges.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS } from '../wire/guard.js';
import { type FromMessenger, MAX_WHY, MESSENGER_LINK, type ToMessenger, toMessenger } from '../wire/messenger.js';
import { killCommands, runCommand } from './command.js';
import { sendSyslog } from './syslog-send.js';
import { DeliveryError } from './types.js';
import { post } from './webhook.js';

const clock = systemClock();
const parent = process.ppid;

function die(why: string | undefined): never {
  if (why) process.stderr.write(`sallyport: messenger: ${why}\n`);
  killCommands();
  process.exit(1);
}

// Commands are not to speak to the keeper.
setCloexec(MESSENGER_LINK);
const keeper: Link<FromMessenger> = createLink(new Socket({ fd: MESSENGER_LINK, readable: true, writable: true }), {
  incoming: toMessenger,
  onMessage: fromKeeper,
  onClose: (reason) => die(reason && `keeper: ${reason}`),
});

function fromKeeper(message: ToMessenger): void {
  if (message.type === 'hello') start(message.drop);
  else answer(message.q, () => carry(message));
}

function start(drop: { uid: number; gid: number } | undefined): void {
  try {
    dropPrivileges(parent, drop);
  } catch (error) {
    die(messageOf(error));
  }
  clock.every(BEAT_MS, () => keeper.send({ type: 'beat' }));
  keeper.send({ type: 'ready' });
}

function carry(order: Exclude<ToMessenger, { type: 'hello' }>): Promise<void> {
  if (order.type === 'post') return post(order, clock);
  return order.type === 'run' ? runCommand(order, clock) : sendSyslog(order, clock);
}

function answer(re: number, work: () => Promise<void>): void {
  work().then(
    () => keeper.send({ type: 'done', re }),
    (error) => keeper.send({ type: 'failed', re, ...reasonOf(error) }),
  );
}

function reasonOf(error: unknown) {
  const why = escapeText(messageOf(error), MAX_WHY);
  if (!(error instanceof DeliveryError)) return { why, again: true };
  return { why, again: error.again, ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }) };
}

process.stderr.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('uncaughtException', (error) => die(error.stack ?? error.message));
process.on('unhandledRejection', (error) =>
  die(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
