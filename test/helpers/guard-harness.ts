import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setNonblocking } from '../../src/os/fd.js';
import { recvFds, socketpair } from '../../src/os/lane.js';
import type { Children } from '../../src/policy/types.js';
import { createLink } from '../../src/wire/frames.js';
import {
  type DoorToGuard,
  type ExecAsk,
  type ExitStatus,
  type FdName,
  type GuardToDoor,
  type GuardToKeeper,
  guardStdio,
  guardToDoor,
  guardToKeeper,
  type KeeperToGuard,
  type LaunchOrder,
} from '../../src/wire/guard.js';
import { compiledDir } from './compiled.js';

export type Verdict = { allow: boolean; children?: Children } | 'silence';
type ProgramNews = Extract<GuardToDoor, { type: 'over' | 'images-ended' | 'tree' }>;
type Note = Extract<GuardToDoor, { type: 'note' }>;

export interface HarnessOptions {
  gate?: 'exec' | 'line-only';
  isolation?: 'account' | 'sandbox';
  /** Decides every ask; everything is allowed without it. */
  decide?: (ask: ExecAsk) => Verdict;
}

export interface HarnessSession {
  sid: string;
  fds: Partial<Record<FdName, number>>;
  pidfd: number;
  /** Output so far, of the terminal or of stdout and stderr together. */
  output(): string;
  type(text: string): void;
  /** Waits until the output matches. */
  shows(pattern: RegExp | string, ms?: number): Promise<string>;
  exited: Promise<ExitStatus>;
  gone: Promise<void>;
  asks: ExecAsk[];
  notes: Note[];
  /** The numbers of processes it was said to be full with. */
  full: number[];
  /** What was said of programs: those that are over, those ended by order, trees. */
  programs: ProgramNews[];
  end(): void;
  /** The harness lets go of the descriptors: the caller reads and closes `master`, `stdout`, `stderr`, `stdin`. */
  release(): void;
}

export interface Harness {
  child: ChildProcess;
  home: string;
  ready: Promise<void>;
  launch(order?: Partial<LaunchOrder>): Promise<HarnessSession>;
  /** Launches `SHELL -c command` without a pty, closes stdin, and waits for its end. */
  run(
    command: string,
    order?: Partial<LaunchOrder>,
  ): Promise<{ status: ExitStatus; output: string; session: HarnessSession }>;
  decide(fn: (ask: ExecAsk) => Verdict): void;
  /** How often the guard said that it is alive. */
  beats(): number;
  toGuard(message: KeeperToGuard): void;
  fromDoor(message: DoorToGuard): void;
  closeDoor(): void;
  closeKeeper(): void;
  stop(): Promise<void>;
}

export const asRoot = process.getuid?.() === 0;
const { uid, gid, username } = userInfo();

/** Whom sessions run as: nobody, with a private home, when the tests run as root; else the caller. */
export const testAccount = asRoot
  ? { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent', shell: '/bin/bash' }
  : { name: username, uid, gid, home: `/home/${username}`, shell: '/bin/bash' };

export function startGuard(options: HarnessOptions = {}): Harness {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-guard-'));
  const [keeperLane, guardKeeperLane] = socketpair();
  const [doorLane, guardDoorLane] = socketpair();
  const child = spawn(process.execPath, [join(process.env.SALLYPORT_DIST ?? compiledDir(), 'guard/main.js')], {
    stdio: [
      ...(['ignore', 'inherit', 'inherit'] as const),
      ...guardStdio<'pipe' | number>({
        keeperLink: 'pipe',
        keeperLane: guardKeeperLane,
        doorLink: 'pipe',
        doorLane: guardDoorLane,
      }),
    ],
    detached: true,
  });
  closeSync(guardKeeperLane);
  closeSync(guardDoorLane);
  let decide: (ask: ExecAsk) => Verdict = options.decide ?? (() => ({ allow: true }));
  const sessions = new Map<string, Live>();
  const waits = new Map<string, { ok(s: Live): void; fail(e: Error): void }>();
  let readied = () => {};
  const ready = new Promise<void>((ok) => {
    readied = ok;
  });

  let beats = 0;
  const live = (sid: string): Live => {
    const known = sessions.get(sid);
    if (known) return known;
    const made = newLive(sid, () => door.send({ type: 'end', sid }));
    sessions.set(sid, made);
    return made;
  };

  const keeper = createLink<GuardToKeeper, KeeperToGuard>(child.stdio[3] as Socket, {
    incoming: guardToKeeper,
    onMessage(message) {
      if (message.type === 'ready') readied();
      if (message.type === 'beat') beats += 1;
      if (message.type === 'launched') live(message.sid).pidfd = recvFds(keeperLane, message.token)[0] ?? -1;
      if (message.type === 'failed') waits.get(message.sid)?.fail(new Error(message.message));
    },
    onClose: () => {},
  });
  const answer = (ask: ExecAsk) => {
    const verdict = decide(ask);
    if (verdict === 'silence') return;
    door.send({ type: 'verdict', q: ask.q, allow: verdict.allow, children: verdict.children ?? 'checked' });
  };
  const door = createLink<GuardToDoor, DoorToGuard>((child.stdio as unknown[])[5] as Socket, {
    incoming: guardToDoor,
    onMessage(message) {
      if (message.type === 'failed') return;
      const session = live(message.sid);
      if (message.type === 'started') {
        const fds = recvFds(doorLane, message.token);
        message.names.forEach((name, i) => {
          session.fds[name] = fds[i] as number;
        });
        session.pump();
        waits.get(message.sid)?.ok(session);
      } else if (message.type === 'ask') {
        session.asks.push(message);
        answer(message);
      } else if (message.type === 'note') session.notes.push(message);
      else if (message.type === 'full') session.full.push(message.processes);
      else if (isProgramNews(message)) session.programs.push(message);
      else if (message.type === 'exited') {
        session.onExited(message.status);
        // As a door does: read the terminal empty, then let the shell, held at its exit, go.
        if (session.fds.master !== undefined) door.send({ type: 'end', sid: message.sid });
      } else if (message.type === 'gone') session.onGone();
    },
    onClose: () => {},
  });
  keeper.send({
    type: 'hello',
    isolation: options.isolation ?? (asRoot ? 'account' : 'sandbox'),
    gate: options.gate ?? 'exec',
    home,
    pair: 1,
  });

  let count = 0;
  const launch = (order: Partial<LaunchOrder> = {}) => {
    count += 1;
    const sid = `s${Date.now().toString(36)}${count}`;
    const whole: LaunchOrder = {
      type: 'launch',
      sid,
      kind: order.command === undefined ? 'shell' : 'exec',
      account: testAccount,
      env: {},
      recording: join(home, 'recordings/2026/01', `${sid}.cast`),
      lineGate: false,
      limits: { nice: 0 },
      userNamespaces: false,
      privateHome: join(home, 'homes', testAccount.name),
      hide: [home],
      ...(order.command === undefined ? { pty: { term: 'xterm', cols: 200, rows: 50 } } : {}),
      ...order,
    };
    return new Promise<Live>((ok, fail) => {
      waits.set(sid, { ok, fail });
      keeper.send(whole);
    });
  };

  return {
    child,
    home,
    ready,
    launch,
    async run(command, order = {}) {
      const session = await launch({ command, ...order });
      if (session.fds.stdin !== undefined) closeSync(session.fds.stdin);
      delete session.fds.stdin;
      const status = await session.exited;
      await session.gone;
      return { status, output: session.output(), session };
    },
    decide(fn) {
      decide = fn;
    },
    beats: () => beats,
    toGuard: (message) => keeper.send(message),
    fromDoor: (message) => door.send(message),
    closeDoor: () => door.close(),
    closeKeeper: () => keeper.close(),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const over = new Promise((ok) => child.once('exit', ok));
        child.kill('SIGKILL');
        await over;
      }
      for (const session of sessions.values()) session.close();
      closeSync(keeperLane);
      closeSync(doorLane);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const isProgramNews = (m: GuardToDoor): m is ProgramNews => ['over', 'images-ended', 'tree'].includes(m.type);

interface Live extends HarnessSession {
  pump(): void;
  onExited(status: ExitStatus): void;
  onGone(): void;
  close(): void;
}

const POLL_MS = 5;

function newLive(sid: string, end: () => void): Live {
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  let exitedNow: (s: ExitStatus) => void = () => {};
  let goneNow: () => void = () => {};
  const exited = new Promise<ExitStatus>((ok) => {
    exitedNow = ok;
  });
  const gone = new Promise<void>((ok) => {
    goneNow = ok;
  });
  const buffer = Buffer.alloc(65_536);
  const session: Live = {
    sid,
    fds: {},
    pidfd: -1,
    asks: [],
    notes: [],
    full: [],
    programs: [],
    exited,
    gone,
    end,
    output: () => text,
    type(input) {
      const fd = session.fds.master ?? session.fds.stdin;
      if (fd !== undefined) writeSync(fd, input);
    },
    async shows(pattern, ms = 8_000) {
      const until = Date.now() + ms;
      const found = () => (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text));
      while (!found()) {
        if (Date.now() > until)
          throw new Error(`late: never showed ${pattern}; saw: ${JSON.stringify(text.slice(-2000))}`);
        await new Promise((ok) => setTimeout(ok, POLL_MS));
      }
      return text;
    },
    pump() {
      const fds = [session.fds.master, session.fds.stdout, session.fds.stderr].filter((f) => f !== undefined);
      for (const fd of fds) setNonblocking(fd);
      timer = setInterval(() => {
        for (const fd of fds) text += drain(fd, buffer);
      }, POLL_MS);
    },
    onExited(status) {
      if (session.fds.master !== undefined) text += drain(session.fds.master, buffer);
      exitedNow(status);
    },
    onGone() {
      for (const name of ['master', 'stdout', 'stderr'] as const) {
        const fd = session.fds[name];
        if (fd !== undefined) text += drain(fd, buffer);
      }
      session.close();
      goneNow();
    },
    release() {
      clearInterval(timer);
      for (const name of ['master', 'stdin', 'stdout', 'stderr'] as const) delete session.fds[name];
    },
    close() {
      clearInterval(timer);
      for (const fd of Object.values(session.fds)) closeSync(fd);
      session.fds = {};
      if (session.pidfd >= 0) closeSync(session.pidfd);
      session.pidfd = -1;
    },
  };
  return session;
}

function drain(fd: number, buffer: Buffer): string {
  let text = '';
  try {
    for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer))
      text += buffer.toString('utf8', 0, size);
  } catch {
    // EAGAIN: nothing more yet; EIO: nothing more ever.
  }
  return text;
}

/** Pids of processes whose environment carries the session's id: what is left of it, if anything. */
export function survivors(sid: string): number[] {
  return readdirSync('/proc')
    .filter((n) => /^\d+$/.test(n))
    .filter((n) => {
      try {
        return existsSync(`/proc/${n}/environ`) && readFileSync(`/proc/${n}/environ`).includes(sid);
      } catch {
        return false;
      }
    })
    .map(Number);
}
