import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../core/clock.js';
import { closeFd } from '../os/fd.js';
import { recvFds, socketpair } from '../os/lane.js';
import type { GuardToDoor, GuardToKeeper } from '../wire/guard.js';
import { createGuard } from './guard.js';

/** One trial: what was asked for, and whether a real session of that kind ran to its end. */
export interface Trial {
  isolation: 'account' | 'sandbox';
  gate: 'exec' | 'line-only';
  ok: boolean;
  /** One line, when it did not. */
  reason: string;
}

const TRIAL_MS = 12_000;
/** A trial that took longer was not stopped by chance. Unit: ms. */
const RETRY_WITHIN_MS = 1_000;

/** Runs one session of the kind through a guard of its own, in this process, which must wait for nothing else. */
async function trial(clock: Clock, isolation: Trial['isolation'], gate: Trial['gate']): Promise<Trial> {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-probe-'));
  const [keeperLane, keeperEnd] = socketpair();
  const [doorLane, doorEnd] = socketpair();
  let settle = (_reason: string) => {};
  const outcome = new Promise<string>((resolve) => {
    settle = resolve;
  });
  const turn = () => void (guard.turn() === 'some' && setImmediate(turn));
  const door = playDoor(gate, doorEnd, settle, (q) =>
    guard.onDoor({ type: 'verdict', q, allow: true, children: 'checked' }),
  );
  const keeper = (message: GuardToKeeper) => {
    if (message.type === 'launched') recvFds(keeperEnd, message.token).forEach(closeFd);
  };
  const guard = createGuard({ clock, keeper, door, keeperLane, doorLane, die: settle }, () => setImmediate(turn));
  const timeout = clock.after(TRIAL_MS, () => settle(`no end after ${TRIAL_MS} ms`));
  process.on('SIGCHLD', turn);
  try {
    guard.onKeeper({ type: 'hello', isolation, gate, home, pair: 0 });
    guard.onKeeper({
      ...{ type: 'launch', sid: 'probe', kind: 'exec', command: 'env true', env: {}, lineGate: false, hide: [] },
      ...{ limits: { nice: 0 }, userNamespaces: false },
      account: trialAccount(isolation),
      recording: join(home, 'recording'),
      privateHome: join(home, 'home'),
    });
    const reason = await outcome;
    return { isolation, gate, ok: reason === '', reason };
  } finally {
    timeout.cancel();
    process.removeListener('SIGCHLD', turn);
    for (const fd of [keeperLane, keeperEnd, doorLane, doorEnd]) closeFd(fd);
    rmSync(home, { recursive: true, force: true });
  }
}

/** Allows everything; settles with an empty reason when the command was asked about and ended well. */
function playDoor(
  gate: Trial['gate'],
  lane: number,
  settle: (reason: string) => void,
  allow: (q: number) => void,
): (message: GuardToDoor) => void {
  let asked = 0;
  let status = 'nothing';
  const verdict = () => {
    if (status !== 'code 0') return `a trial command ended with ${status}`;
    return gate === 'exec' && asked === 0 ? 'the kernel did not stop an execve' : '';
  };
  return (message) => {
    if (message.type === 'started') recvFds(lane, message.token).forEach(closeFd);
    else if (message.type === 'failed') settle(message.message);
    else if (message.type === 'exited') {
      status = 'code' in message.status ? `code ${message.status.code}` : message.status.signal;
    } else if (message.type === 'gone') settle(verdict());
    else if (message.type === 'ask') {
      asked += 1;
      setImmediate(allow, message.q);
    }
  };
}

/** uid 65534 needs no entry in any database. */
function trialAccount(isolation: Trial['isolation']) {
  const shell = '/bin/sh';
  if (isolation === 'account') return { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent', shell };
  return { name: 'sallyport', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, home: '/home/probe', shell };
}

const isolation = process.getuid?.() === 0 ? 'account' : 'sandbox';
const clock = systemClock();

/** A busy machine may fail one launch; what works the second time works. */
async function lastingly(gate: Trial['gate']): Promise<Trial> {
  const from = clock.mono();
  const first = await trial(clock, isolation, gate);
  return first.ok || clock.mono() - from > RETRY_WITHIN_MS ? first : await trial(clock, isolation, gate);
}

const trials = [await lastingly('line-only'), await lastingly('exec')];
process.stdout.write(JSON.stringify(trials), () => process.exit(0));
