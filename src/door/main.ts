/** The door's process: faces the network, runs sessions, has no privilege. Started by the keeper alone. */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { envAllowed } from '../config/index.js';
import { systemClock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { bootTimeMs } from '../os/boottime.js';
import { writeSome } from '../os/fd.js';
import { dropPrivileges } from '../os/privileges.js';
import { compileEarly } from '../os/tuning.js';
import { createWheel } from '../session/index.js';
import { createSshDoor, type SshDoor } from '../ssh/index.js';
import { ask } from '../wire/asks.js';
import { DOOR_FDS, type FromDoor, socketNote, type ToDoor, toDoor } from '../wire/door.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS, type DoorToGuard, guardToDoor } from '../wire/guard.js';
import { quickAsk } from '../wire/quick.js';
import { createAskReader } from '../wire/repeated.js';
import { type Answer, sshHooks } from './connections.js';
import { createDesk } from './desk.js';
import { receiveStarted, recordingHeader } from './receive.js';
import { createRequests } from './requests.js';

compileEarly();
const clock = systemClock({ boot: bootTimeMs });
const parent = process.ppid;
let hello: Extract<ToDoor, { type: 'hello' }> | undefined;
let ssh: SshDoor | undefined;

/** Everything hangs on keeper and guard: without either this process has nothing to do and no right to go on. */
function die(why: string | undefined): never {
  if (why) process.stderr.write(`sallyport: door ${hello?.pair ?? '?'}: ${why}\n`);
  process.exit(1);
}

/** Every exec comes by here: read into one buffer, past the streams. */
const options: SocketConstructorOpts & { onread: OnReadOpts } = {
  fd: DOOR_FDS.guardLink,
  readable: true,
  writable: true,
  onread: {
    buffer: Buffer.allocUnsafeSlow(64 * 1024),
    callback(size, bytes) {
      guard.feed(Buffer.from(bytes.buffer, bytes.byteOffset, size));
      return true;
    },
  },
};

const guard: Link<DoorToGuard> = createLink(new Socket(options), {
  incoming: guardToDoor,
  quick: quickAsk,
  quickText: createAskReader(),
  write: (frame) => writeSome(DOOR_FDS.guardLink, frame),
  onMessage: (message) => desk.fromGuard(message),
  onClose: (reason) => die(reason && `guard: ${reason}`),
});

const keeper: Link<FromDoor> = createLink(new Socket({ fd: DOOR_FDS.keeperLink, readable: true, writable: true }), {
  incoming: toDoor,
  onMessage: fromKeeper,
  onClose: (reason) => die(reason && `keeper: ${reason}`),
});

const requests = createRequests<Answer>(clock);
const desk = createDesk({
  clock,
  keeper: () => keeper,
  guard: () => guard,
  async ask(sid, review) {
    const fits = ask.safeParse({ type: 'ask', q: 0, sid, ...review });
    if (!fits.success) return { refusal: 'it is too much to review' };
    const answer = await requests.ask((q) => keeper.send({ ...fits.data, q }));
    if (answer.type !== 'asked') throw new Error('another answer than was asked for');
    const { id, refusal } = answer;
    return { ...(id === undefined ? {} : { id }), ...(refusal === undefined ? {} : { refusal }) };
  },
  async prove(sid, code) {
    const typed = code === undefined ? {} : { code };
    const answer = await requests.ask((q) => keeper.send({ type: 'prove', q, sid, ...typed }));
    if (answer.type !== 'proved') throw new Error('another answer than was asked for');
    const { ok, left, why, waitMs } = answer;
    return { ok, left, ...(why && { why }), ...(waitMs === undefined ? {} : { waitMs }) };
  },
  receive: (message, admitted, pty) =>
    receiveStarted(message, DOOR_FDS.guardLane, clock, () => recordingHeader(admitted, pty)),
});

function fromKeeper(message: ToDoor): void {
  switch (message.type) {
    case 'hello':
      start(message);
      return;
    case 'rights':
    case 'end':
    case 'notice':
    case 'tree':
    case 'watched':
    case 'answered':
      desk.fromKeeper(message);
      return;
    case 'hangup':
      ssh?.disconnect(message.conn, message.cause);
      return;
    default:
      requests.answer(message.re, message);
  }
}

function start(message: Extract<ToDoor, { type: 'hello' }>): void {
  hello = message;
  try {
    dropPrivileges(parent, message.drop);
    const { hostKey, limits, env } = message;
    const hooks = sshHooks({ clock, wheel: createWheel(clock), desk, keeper: () => keeper, requests });
    ssh = createSshDoor({ hostKey, clock, limits, envAllow: (name) => envAllowed(env, name) }, hooks);
  } catch (error) {
    die(messageOf(error));
  }
  process.on('message', accept);
  clock.every(BEAT_MS, () => keeper.send({ type: 'beat', inputs: desk.inputs() }));
  keeper.send({ type: 'ready' });
}

function accept(note: unknown, socket: unknown): void {
  const parsed = socketNote.safeParse(note);
  if (!(socket instanceof Socket)) {
    // It was gone before it came: the keeper counts it until it hears so.
    if (parsed.success) keeper.send({ type: 'closed', conn: parsed.data.conn });
    return;
  }
  if (!parsed.success || !ssh) {
    socket.destroy();
    return;
  }
  ssh.accept(socket, { id: parsed.data.conn, ip: parsed.data.ip, port: parsed.data.port });
}

process.on('disconnect', () => die(undefined));
// What it says goes where the keeper's own words go, and whoever reads them may leave.
process.stderr.on('error', () => {});
// The keeper decides when a door ends; a terminal's Ctrl-C reaches the whole group.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('uncaughtException', (error) => die(error.stack ?? error.message));
process.on('unhandledRejection', (error) =>
  die(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
