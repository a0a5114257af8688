/** The feeder's process as the keeper sees it: started with the first question, replaced when it dies or falls silent. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../core/clock.js';
import { type FetchOrder, type FromFeeder, fromFeeder, type Subjects, type ToFeeder } from '../wire/feeder.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS } from '../wire/guard.js';

/** Reading a big answer takes the feeder a while; silent for longer it is replaced. Unit: beats. */
const MISSED_BEATS = 10;
/** Loading the program takes a while on a busy machine. Unit: beats. */
const START_BEATS = 40;
/** Beyond its own time-out, what an answer may take to be read and sent. Unit: ms. */
const READ_MS = 5_000;
/** Unanswered questions; a feeder that leaves more of them is asked no more. */
const MAX_WAITING = 1_000;

export interface Feeder {
  fetch(order: Omit<FetchOrder, 'type' | 'q'>): Promise<Subjects>;
  /** What the text of a file tells of everyone. */
  read(text: string): Promise<Subjects>;
  /** Undefined while it is not running. */
  readonly pid: number | undefined;
  stop(): void;
}

interface Waiting {
  resolve(subjects: Subjects): void;
  reject(error: Error): void;
  timer: Timer;
}

type Question = { type: 'fetch'; timeoutMs: number } | { type: 'read' };

export function createFeeder(
  clock: Clock,
  drop: { uid: number; gid: number } | undefined,
  log: (line: string) => void,
): Feeder {
  const waiting = new Map<number, Waiting>();
  let running: Running | undefined;
  let questions = 0;
  let stopped = false;
  const lost = (why: string) => {
    running = undefined;
    if (!stopped) log(`feeder: ${why}; the next question starts another`);
    for (const [q, one] of waiting) {
      waiting.delete(q);
      one.timer.cancel();
      one.reject(new Error(`the feeder is gone: ${why}`));
    }
  };
  const heard = (message: FromFeeder) => {
    if (message.type !== 'told' && message.type !== 'failed') return;
    const one = waiting.get(message.re);
    waiting.delete(message.re);
    one?.timer.cancel();
    if (message.type === 'told') one?.resolve(message.subjects);
    else one?.reject(new Error(message.why));
  };
  const ask = (question: Question, make: (q: number) => ToFeeder): Promise<Subjects> => {
    if (stopped) return Promise.reject(new Error('the broker stops'));
    if (waiting.size >= MAX_WAITING) return Promise.reject(new Error('the feeder has too much to do'));
    running ??= start(clock, drop, heard, lost);
    questions += 1;
    const q = questions;
    const patience = (question.type === 'fetch' ? question.timeoutMs : 0) + READ_MS;
    return new Promise((resolve, reject) => {
      const late = () => {
        waiting.delete(q);
        reject(new Error('the feeder did not answer'));
      };
      waiting.set(q, { resolve, reject, timer: clock.after(patience, late) });
      running?.send(make(q));
    });
  };
  return {
    fetch: (order) => ask({ type: 'fetch', timeoutMs: order.timeoutMs }, (q) => ({ type: 'fetch', q, ...order })),
    read: (text) => ask({ type: 'read' }, (q) => ({ type: 'read', q, text })),
    get pid() {
      return running?.pid;
    },
    stop() {
      stopped = true;
      running?.kill('the broker stops');
    },
  };
}

interface Running {
  readonly pid: number | undefined;
  send(message: ToFeeder): void;
  kill(why: string): void;
}

function start(
  clock: Clock,
  drop: { uid: number; gid: number } | undefined,
  heard: (message: FromFeeder) => void,
  lost: (why: string) => void,
): Running {
  const child = run();
  let alive = true;
  let ready = false;
  let missed = 0;
  const kill = (why: string) => {
    if (!alive) return;
    alive = false;
    beats.cancel();
    child.kill('SIGKILL');
    link.close();
    lost(why);
  };
  const link: Link<ToFeeder> = createLink(child.stdio[3] as unknown as Socket, {
    incoming: fromFeeder,
    onMessage(message) {
      missed = 0;
      ready = true;
      heard(message);
    },
    onClose: (reason) => kill(`its link closed${reason ? `: ${reason}` : ''}`),
  });
  const beats = clock.every(BEAT_MS, () => {
    missed += 1;
    if (missed > (ready ? MISSED_BEATS : START_BEATS)) kill('it is silent');
  });
  child.on('error', (error) => kill(error.message));
  child.once('exit', (code, signal) => kill(`it ended (${signal ?? code})`));
  link.send({ type: 'hello', ...(drop === undefined ? {} : { drop }) });
  return { pid: child.pid, send: (message) => void link.send(message), kill };
}

/** In a session of its own: a terminal's Ctrl-C is the keeper's to hear. */
function run(): ChildProcess {
  const entry = fileURLToPath(new URL('../feeds/main.js', import.meta.url));
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', NODE_NO_WARNINGS: '1' };
  return spawn(process.execPath, [entry], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    env,
    detached: true,
    cwd: '/',
  });
}
