/** A viewer's process: draws the screen of one session that is watched. No privilege. Started by the keeper alone. */
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { systemClock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { dropPrivileges } from '../os/privileges.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS } from '../wire/guard.js';
import { type FromViewer, type ToViewer, toViewer, VIEWER_FDS } from '../wire/watch.js';
import { startViewer, type Viewer } from './viewer.js';

/** Sessions and whoever runs them come first. */
const NICE = 10;

const clock = systemClock();
const parent = process.ppid;
let viewer: Viewer | undefined;

function die(why: string | undefined): never {
  if (why) process.stderr.write(`sallyport: viewer: ${why}\n`);
  process.exit(1);
}

const keeper: Link<FromViewer> = createLink(new Socket({ fd: VIEWER_FDS.link, readable: true, writable: true }), {
  incoming: toViewer,
  onMessage: fromKeeper,
  onClose: (reason) => die(reason && `keeper: ${reason}`),
});

function fromKeeper(message: ToViewer): void {
  if (message.type === 'hello') start(message.drop);
  else if (message.type === 'audience') viewer?.audience(message.watchers);
  else viewer?.finish();
}

function start(drop: { uid: number; gid: number } | undefined): void {
  try {
    setPriority(NICE);
    dropPrivileges(parent, drop);
  } catch (error) {
    die(messageOf(error));
  }
  clock.every(BEAT_MS, () => keeper.send({ type: 'beat' }));
  keeper.send({ type: 'ready' });
  viewer = startViewer({ fd: VIEWER_FDS.recording, clock, send: (message) => void keeper.send(message) });
  viewer.done.catch((error) => die(messageOf(error)));
}

process.stderr.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('uncaughtException', (error) => die(error.stack ?? error.message));
process.on('unhandledRejection', (error) =>
  die(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
