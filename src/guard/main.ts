import { Socket } from 'node:net';
import { systemClock } from '../core/clock.js';
import { bootTimeMs } from '../os/boottime.js';
import { hangBell, silenceBell } from '../os/child-signal.js';
import { setCloexec, writeSome } from '../os/fd.js';
import { watchFd } from '../os/poll.js';
import { dieWithParent, setDumpable } from '../os/process.js';
import { compileEarly } from '../os/tuning.js';
import { createLink, type Link } from '../wire/frames.js';
import { doorToGuard, GUARD_FDS, type GuardToDoor, type GuardToKeeper, keeperToGuard } from '../wire/guard.js';
import { quickVerdict } from '../wire/quick.js';
import { createGuard } from './guard.js';
import { createLinger } from './linger.js';

/**
 * The guard process. It launches and traces what runs in sessions, and dies with the keeper, the door, or either
 * link; the kernel then kills every session it traced, and the isolating programs kill the rest.
 */
function main(): void {
  dieWithParent(process.ppid);
  compileEarly();
  setDumpable(false);
  // Sessions inherit it; what the guard makes for itself has its mode spelt out.
  process.umask(0o022);
  for (const fd of Object.values(GUARD_FDS)) setCloexec(fd);
  hangBell();
  // A terminal's ^C is for the keeper to hear; the guard ends when its links do.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});

  const die = (reason: string): never => {
    process.stderr.write(`guard: ${reason}\n`);
    process.exit(1);
  };
  const gone = (who: string) => (reason?: string) =>
    reason === undefined ? process.exit(0) : die(`${who}: ${reason}`);

  let keeper: Link<GuardToKeeper> | undefined;
  let door: Link<GuardToDoor> | undefined;
  let scheduled = false;
  const clock = systemClock({ boot: bootTimeMs });
  const turn = () => {
    guard.turn();
    if (linger()) wake();
  };
  /** Never more than one ahead: while work comes without end each would have another follow, and timers wait for all. */
  const wake = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      turn();
    });
  };
  const guard = createGuard(
    {
      clock,
      keeper: (message) => keeper?.send(message),
      door: (message) => door?.send(message),
      keeperLane: GUARD_FDS.keeperLane,
      doorLane: GUARD_FDS.doorLane,
      die,
    },
    wake,
  );
  const linger = createLinger({
    door: GUARD_FDS.doorLink,
    others: [GUARD_FDS.keeperLink],
    feed: (bytes) => door?.feed(bytes),
    turn: guard.turn,
    mono: clock.mono,
  });
  watchFd(GUARD_FDS.bell, () => {
    silenceBell();
    if (!scheduled) turn();
  }).want(true, false);
  keeper = createLink(new Socket({ fd: GUARD_FDS.keeperLink }), {
    incoming: keeperToGuard,
    onMessage: guard.onKeeper,
    onClose: gone('keeper'),
  });
  door = createLink(new Socket({ fd: GUARD_FDS.doorLink }), {
    incoming: doorToGuard,
    quick: quickVerdict,
    write: (frame) => writeSome(GUARD_FDS.doorLink, frame),
    onMessage: guard.onDoor,
    onClose: gone('door'),
  });
}

main();
