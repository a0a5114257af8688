/** A process without privilege that does what is asked of it: started with the first order, replaced when it dies or falls silent. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { Clock, Timer } from '../core/clock.js';
import { starvation } from '../os/starved.js';
import { createLink, type Link } from '../wire/frames.js';
import { BEAT_MS } from '../wire/guard.js';
import { HELPER_LINK } from '../wire/helper.js';

/** A big order takes a while; silent for longer it is replaced. Unit: beats. */
const MISSED_BEATS = 10;
/** Loading the program takes a while on a busy machine. Unit: beats. */
const START_BEATS = 40;
/** Ticks in a row at which a silent helper may be one that does not get a CPU: it is given more time, not for ever. */
const STARVED_TICKS = 120;
/** Unanswered orders; a helper that leaves more of them is given no more. */
const MAX_WAITING = 1_000;

/** A helper's process. */
export interface HelperProcess<In, Out> {
  /** Its program, from here. */
  entry: string;
  clock: Clock;
  incoming: z.ZodType<In>;
  /** The first thing it is told. */
  hello: Out;
  /** A descriptor of ours that becomes its fourth. */
  fd?: number;
  /** Most of JavaScript's memory it may have, MiB; beyond, it ends. */
  memory?: number;
}

export interface HelperParts<In, Out, Answer> extends HelperProcess<In, Out> {
  /** What it is called in the log. */
  name: string;
  /** What a message answers; undefined for one that is no answer. */
  answerOf(message: In): { re: number; answer: Answer | Error } | undefined;
  log(line: string): void;
}

export interface Helper<Out, Answer> {
  /** Gives an order and waits `patienceMs` for the answer; rejects when there is none. */
  ask(patienceMs: number, make: (q: number) => Out): Promise<Answer>;
  /** Undefined while it is not running. */
  readonly pid: number | undefined;
  stop(): void;
}

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: Timer;
}

export function createHelper<In, Out, Answer>(parts: HelperParts<In, Out, Answer>): Helper<Out, Answer> {
  const { name, clock, log } = parts;
  const waiting = new Map<number, Waiting<Answer>>();
  let running: Running<Out> | undefined;
  let orders = 0;
  let stopped = false;
  const settle = (q: number, answer: Answer | Error) => {
    const one = waiting.get(q);
    waiting.delete(q);
    one?.timer.cancel();
    if (answer instanceof Error) one?.reject(answer);
    else one?.resolve(answer);
  };
  const lost = (why: string) => {
    running = undefined;
    if (!stopped) log(`${name}: ${why}; the next order starts another`);
    for (const q of [...waiting.keys()]) settle(q, new Error(`the ${name} is gone: ${why}`));
  };
  const heard = (message: In) => {
    const said = parts.answerOf(message);
    if (said) settle(said.re, said.answer);
  };
  return {
    ask(patienceMs, make) {
      if (stopped) return Promise.reject(new Error('the broker stops'));
      if (waiting.size >= MAX_WAITING) return Promise.reject(new Error(`the ${name} has too much to do`));
      running ??= startProcess(parts, heard, lost);
      orders += 1;
      const q = orders;
      return new Promise((resolve, reject) => {
        const timer = clock.after(patienceMs, () => settle(q, new Error(`the ${name} did not answer`)));
        waiting.set(q, { resolve, reject, timer });
        running?.send(make(q));
      });
    },
    get pid() {
      return running?.pid;
    },
    stop() {
      stopped = true;
      running?.kill('the broker stops');
    },
  };
}

export interface Running<Out> {
  readonly pid: number | undefined;
  send(message: Out): void;
  kill(why: string): void;
}

/** `lost` is called once, however it ends. */
export function startProcess<In, Out>(
  { clock, entry, incoming, hello, fd, memory }: HelperProcess<In, Out>,
  heard: (message: In) => void,
  lost: (why: string) => void,
): Running<Out> {
  const child = run(entry, fd, memory);
  let alive = true;
  let ready = false;
  let missed = 0;
  let starved = 0;
  const isStarved = starvation(child.pid ?? 0, clock.mono);
  const kill = (why: string) => {
    if (!alive) return;
    alive = false;
    beats.cancel();
    child.kill('SIGKILL');
    link.close();
    lost(why);
  };
  const link: Link<Out> = createLink(child.stdio[HELPER_LINK] as unknown as Socket, {
    incoming,
    onMessage(message) {
      missed = 0;
      starved = 0;
      ready = true;
      heard(message);
    },
    onClose: (reason) => kill(`its link closed${reason ? `: ${reason}` : ''}`),
  });
  const beats = clock.every(BEAT_MS, () => {
    if (isStarved() && starved < STARVED_TICKS) starved += 1;
    else missed += 1;
    if (missed > (ready ? MISSED_BEATS : START_BEATS)) kill('it is silent');
  });
  child.on('error', (error) => kill(error.message));
  child.once('exit', (code, signal) => kill(`it ended (${signal ?? code})`));
  link.send(hello);
  return { pid: child.pid, send: (message) => void link.send(message), kill };
}

/** In a session of its own: a terminal's Ctrl-C is the keeper's to hear. */
function run(entry: string, fd: number | undefined, memory: number | undefined): ChildProcess {
  const limits = memory === undefined ? [] : [`--max-old-space-size=${memory}`];
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', NODE_NO_WARNINGS: '1' };
  return spawn(process.execPath, [...limits, fileURLToPath(new URL(entry, import.meta.url))], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', ...(fd === undefined ? [] : [fd])],
    env,
    detached: true,
    cwd: '/',
  });
}
