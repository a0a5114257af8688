import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { recvFds, sendFds, socketpair } from '../os/lane.js';
import { starvation } from '../os/starved.js';
import { streamPair } from '../os/stream-pair.js';
import { type FromDoor, fromDoor, STALL_MS, type ToDoor } from '../wire/door.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS, type GuardToKeeper, guardStdio, guardToKeeper, type KeeperToGuard } from '../wire/guard.js';
import { createGiven, type Given } from './given.js';

/** Loading the program takes a while on a busy machine; unit: ms. */
const START_MS = 20_000;
const MISSED_BEATS = STALL_MS / BEAT_MS;
/** Ticks in a row at which a silent process may be one that does not get a CPU: it is given more time, not for ever. */
const STARVED_TICKS = 40;

export interface PairHooks {
  hello(pair: number): { door: ToDoor; guard: KeeperToGuard };
  fromDoor(message: FromDoor, pair: Pair): void;
  fromGuard(message: GuardToKeeper, pair: Pair): void;
  /** Door and guard are both ready. */
  up(pair: Pair): void;
  /** Both processes have been told to die; called once. `why` is one line for the log. */
  down(pair: Pair, why: string): void;
}

export interface Pair {
  readonly number: number;
  readonly ready: boolean;
  readonly alive: boolean;
  readonly doorPid: number | undefined;
  readonly guardPid: number | undefined;
  toDoor(message: ToDoor): boolean;
  toGuard(message: KeeperToGuard): boolean;
  /** Hands a client over; false: the door cannot take it. */
  giveSocket(note: { conn: number; ip: string; port: number }, socket: Socket): boolean;
  /** The descriptors the guard sent under this token. */
  take(token: string): number[];
  /** Sends copies of these to the guard, before the message that names the token. Throws when they cannot be sent. */
  give(token: string, fds: readonly number[]): void;
  /** Kills both at once. Idempotent. */
  kill(why: string): void;
  /** Resolves when both processes have been reaped. */
  readonly buried: Promise<void>;
}

interface Half {
  child: ChildProcess;
  ready: boolean;
  missed: number;
  /** Of the ticks since it was heard last, those at which it was kept from running. */
  starved: number;
}

/** Starts one door and one guard, joined to each other and to the keeper. Neither outlives the other. */
export function startPair(number: number, clock: Clock, hooks: PairHooks): Pair {
  const [keeperLane, guardLane] = socketpair();
  const [doorSide, guardSide] = streamPair();
  const [doorLane, guardDoorLane] = socketpair();
  const guard = half(
    run(
      'guard',
      guardStdio<'pipe' | number>({
        keeperLink: 'pipe',
        keeperLane: guardLane,
        doorLink: guardSide,
        doorLane: guardDoorLane,
      }),
    ),
  );
  const door = half(run('door', ['ipc', 'pipe', doorSide, doorLane]));
  for (const fd of [guardLane, doorSide, guardSide, doorLane, guardDoorLane]) closeSync(fd);

  let alive = true;
  let beatTimer: Timer | undefined;
  const clients = createGiven();
  const kill = (why: string) => {
    if (!alive) return;
    alive = false;
    clients.close();
    beatTimer?.cancel();
    guard.child.kill('SIGKILL');
    door.child.kill('SIGKILL');
    doorLink.close();
    guardLink.close();
    hooks.down(pair, why);
  };
  /** Whatever a message makes go wrong, it costs the pair that sent it, and no other. */
  const handle = (who: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      kill(`a message of the ${who} could not be handled: ${messageOf(error)}`);
    }
  };
  const readied = (which: Half) => {
    which.ready = true;
    if (door.ready && guard.ready) hooks.up(pair);
  };
  const guardLink: Link<KeeperToGuard> = createLink(channel(guard.child, 3), {
    incoming: guardToKeeper,
    onMessage(message) {
      heard(guard);
      if (message.type === 'ready') readied(guard);
      else if (message.type !== 'beat') handle('guard', () => hooks.fromGuard(message, pair));
    },
    onClose: (reason) => kill(`guard link closed${reason ? `: ${reason}` : ''}`),
  });
  const doorLink: Link<ToDoor> = createLink(channel(door.child, 4), {
    incoming: fromDoor,
    onMessage(message) {
      heard(door);
      if (message.type === 'ready') readied(door);
      else handle('door', () => hooks.fromDoor(message, pair));
    },
    onClose: (reason) => kill(`door link closed${reason ? `: ${reason}` : ''}`),
  });
  const pair: Pair = {
    number,
    get ready() {
      return alive && door.ready && guard.ready;
    },
    get alive() {
      return alive;
    },
    doorPid: door.child.pid,
    guardPid: guard.child.pid,
    toDoor: (message) => doorLink.send(message),
    toGuard: (message) => guardLink.send(message),
    giveSocket: (note, socket) => alive && door.ready && sendSocket(door.child, note, socket, clients, kill),
    take: (token) => recvFds(keeperLane, token),
    give: (token, fds) => sendFds(keeperLane, token, fds),
    kill,
    buried: Promise.all([buried(guard.child), buried(door.child)]).then(() => closeSync(keeperLane)),
  };
  guard.child.once('exit', (code, signal) => kill(`guard ended (${signal ?? code})`));
  door.child.once('exit', (code, signal) => kill(`door ended (${signal ?? code})`));
  beatTimer = watchBeats(clock, { door, guard }, kill);
  const { door: toDoorHello, guard: toGuardHello } = hooks.hello(number);
  guardLink.send(toGuardHello);
  doorLink.send(toDoorHello);
  return pair;
}

/**
 * Beats are counted in ticks of ours, not in time: a keeper that was itself stopped finds one tick, not a stalled pair.
 * Nor is a pair stalled that does not get to run: a session that takes all CPUs would end everyone's.
 */
function watchBeats(clock: Clock, halves: { door: Half; guard: Half }, kill: (why: string) => void): Timer {
  let ticks = 0;
  const watched = Object.entries(halves).map(([name, h]) => ({
    name,
    h,
    isStarved: starvation(h.child.pid ?? 0, clock.mono),
  }));
  return clock.every(BEAT_MS, () => {
    ticks += 1;
    for (const { name, h, isStarved } of watched) {
      if (isStarved() && h.missed > 0 && h.starved < STARVED_TICKS) h.starved += 1;
      else h.missed += 1;
      if (h.ready ? h.missed > MISSED_BEATS : ticks * BEAT_MS > START_MS) kill(`${name} stalled`);
    }
  });
}

function heard(h: Half): void {
  h.missed = 0;
  h.starved = 0;
}

type Stdio = ('pipe' | 'ipc' | 'ignore' | number)[];

/**
 * A collector that lets the young grow to its default of 16 MB keeps 0.25 MB a session longer standing than one that
 * collects them at 1 MB; what passes through a door lives for microseconds anyway. A guard would pay with time.
 */
const SMALL_NURSERY = '--max-semi-space-size=1';

/** In a session of its own: a terminal's Ctrl-C is the keeper's to hear. */
function run(name: 'door' | 'guard', fds: Stdio): ChildProcess {
  const entry = fileURLToPath(new URL(`../${name}/main.js`, import.meta.url));
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', NODE_NO_WARNINGS: '1' };
  return spawn(process.execPath, [...(name === 'door' ? [SMALL_NURSERY] : []), entry], {
    stdio: ['ignore', 'inherit', 'inherit', ...fds],
    env,
    detached: true,
    cwd: '/',
  });
}

function half(child: ChildProcess): Half {
  child.on('error', () => {});
  return { child, ready: false, missed: 0, starved: 0 };
}

function channel(child: ChildProcess, index: number): Socket {
  const socket = child.stdio[index] as unknown as Socket | null | undefined;
  if (!socket) throw new Error(`could not start a process: ${child.spawnfile}`);
  return socket;
}

function buried(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else child.once('exit', () => resolve());
  });
}

function sendSocket(
  child: ChildProcess,
  note: object,
  socket: Socket,
  clients: Given,
  kill: (why: string) => void,
): boolean {
  if (!child.connected) return false;
  const entry = clients.add(socket);
  // What send returns is about its backlog, not about success.
  child.send(note, socket, { keepOpen: false }, (error) => {
    if (error) kill(`door takes no connections: ${error.message}`);
    else entry.sent();
  });
  return true;
}
