/** The feeder's process: asks the addresses of feeds and reads what they say. No privilege. Started by the keeper alone. */
import { Socket } from 'node:net';
import { systemClock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { dropPrivileges } from '../os/privileges.js';
import {
  FEEDER_LINK,
  type FetchOrder,
  type FromFeeder,
  MAX_ANSWER,
  MAX_ONE_ANSWER,
  type Subjects,
  type ToFeeder,
  toFeeder,
} from '../wire/feeder.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS } from '../wire/guard.js';
import { readEveryone, readOne } from './document.js';
import { fetchText } from './http.js';

const clock = systemClock();
const parent = process.ppid;

function die(why: string | undefined): never {
  if (why) process.stderr.write(`sallyport: feeder: ${why}\n`);
  process.exit(1);
}

const keeper: Link<FromFeeder> = createLink(new Socket({ fd: FEEDER_LINK, readable: true, writable: true }), {
  incoming: toFeeder,
  onMessage: fromKeeper,
  onClose: (reason) => die(reason && `keeper: ${reason}`),
});

function fromKeeper(message: ToFeeder): void {
  if (message.type === 'hello') start(message.drop);
  else if (message.type === 'read') answer(message.q, async () => readEveryone(message.text));
  else answer(message.q, () => fetched(message));
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

async function fetched({ url, headers, ca, timeoutMs, of }: FetchOrder): Promise<Subjects> {
  const maxBytes = of === 'one' ? MAX_ONE_ANSWER : MAX_ANSWER;
  const text = await fetchText({ url, headers, ca, timeoutMs, maxBytes }, clock);
  return of === 'one' ? readOne(text) : readEveryone(text);
}

function answer(re: number, work: () => Promise<Subjects>): void {
  work().then(
    (subjects) => keeper.send({ type: 'told', re, subjects }),
    (error) => keeper.send({ type: 'failed', re, why: escapeText(messageOf(error), 300) }),
  );
}

process.stderr.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('uncaughtException', (error) => die(error.stack ?? error.message));
process.on('unhandledRejection', (error) =>
  die(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
