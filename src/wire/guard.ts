import { z } from 'zod';
import { ptyRequest } from './pty.js';

/**
 * What keeper, door and guard say to the guard and hear from it. Descriptors travel on the lane beside each link,
 * sent before the message that names their token.
 */

const sid = z.string().regex(/^[0-9a-z]{1,40}$/);
const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((p) => p.startsWith('/') && !p.includes('\0'), 'an absolute path');
const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((s) => !s.includes('\0'), 'no NUL');
const token = z.string().min(1).max(64);
const id = z.number().int().min(0).max(0xffff_fffe);
const message = z.string().max(4000);

/** What a session's shell starts with, before any rc file. */
export const SESSION_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games';

/** Longest exec command, characters. The kernel's own limit for one word is 128 KiB. */
export const MAX_COMMAND = 100_000;

/** The environment name under which an administration's command finds its connections to the keeper, as in `7,8,9,10`. */
export const HANDED = 'SALLYPORT_CONTROL_FDS';
/** How many: so many answers it may read at the same time. */
export const HANDED_COUNT = 4;

const account = z.object({ name: text(64), uid: id, gid: id, home: path, shell: path });
const children = z.enum(['checked', 'trusted', 'none']);

/** What a session's processes may use; what is absent has no limit. */
const limits = z.object({
  /** In the session, threads counted. */
  processes: z.number().int().min(1).optional(),
  /** Of each process: bytes, descriptors, seconds of CPU time, bytes of a file written, bytes of a core dump. */
  memory: z.number().int().min(0).optional(),
  openFiles: z.number().int().min(1).optional(),
  cpuSeconds: z.number().int().min(1).optional(),
  fileSize: z.number().int().min(0).optional(),
  core: z.number().int().min(0).optional(),
  nice: z.number().int().min(0).max(19),
});

const launch = z.object({
  type: z.literal('launch'),
  sid,
  kind: z.enum(['shell', 'exec']),
  account,
  /** For `exec`: handed to `SHELL -c`. */
  command: text(MAX_COMMAND).optional(),
  pty: ptyRequest.optional(),
  /** Beside HOME, SHELL, USER, LOGNAME, PATH, TERM, LANG, which the guard sets; these win except over HOME, USER, LOGNAME, SHELL. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), text(32_768)),
  /** Created 0600 by the guard, its directories 0700; must not exist. */
  recording: path,
  /** Line gate hooks and FIFOs wanted; honoured for bash, zsh and fish on a pty only (`started.names` tells). */
  lineGate: z.boolean(),
  /** Host directory that becomes account.home inside; created by the guard if absent. */
  privateHome: path.optional(),
  /** Directories to be out of sight; those that do not exist are skipped. */
  hide: z.array(path).max(64),
  /** Wall time, ms: the guard itself kills the session soon after. */
  deadline: z.number().optional(),
  limits,
  /** The filter lets user namespaces be made. */
  userNamespaces: z.boolean(),
  /**
   * In place of the shell: our own command line with these words, which may start nothing. The lane carries under `token` its
   * connections to the keeper.
   */
  administration: z.object({ words: z.array(text(MAX_COMMAND)).max(MAX_COMMAND), token }).optional(),
});

/** keeper → guard */
export const keeperToGuard = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    isolation: z.enum(['account', 'sandbox']),
    gate: z.enum(['exec', 'line-only']),
    /** The broker's home. */
    home: path,
    /** Number of this door and guard pair, for logs. */
    pair: z.number().int(),
    /** Where each session gets a group of its own, with these controllers of cgroup v2; absent: none. */
    cgroup: z.object({ dir: path, controllers: z.array(z.enum(['pids', 'memory', 'cpu'])) }).optional(),
  }),
  launch,
  z.object({ type: z.literal('end'), sid }),
]);

/** guard → keeper */
export const guardToKeeper = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** The lane carries under `token` one pidfd: the first process of the session's pid namespace. */
  z.object({ type: z.literal('launched'), sid, token }),
  z.object({ type: z.literal('failed'), sid, message }),
  /** Nothing of the session runs any more. The last word on a session that was launched. */
  z.object({ type: z.literal('gone'), sid }),
  z.object({ type: z.literal('beat') }),
]);

/** What each descriptor of a `started` packet is, in order. */
export const FD_NAMES = ['master', 'stdin', 'stdout', 'stderr', 'recording', 'lineQ', 'lineA'] as const;

const program = z.object({
  path: z.string(),
  names: z.array(z.string()),
  trustedNames: z.array(z.string()),
  same: z.array(z.string()).optional(),
  unsteady: z.literal(true).optional(),
});

/** A program about to be run. argv is UTF-8 with U+FFFD for what is not; `cut`: words beyond a bound are missing. */
export const execAsk = z.object({
  /** Unique per guard; verdicts name it. */
  q: z.number().int(),
  sid,
  /** As the host sees it. */
  pid: z.number().int(),
  program,
  argv: z.array(z.string()),
  cut: z.boolean(),
  /** What will run should every part be allowed: the number of the exec's first question. Forks share it. */
  image: z.number().int(),
  /** The image that asks; 0: the session's own shell. */
  under: z.number().int(),
  /** First words of the argv of the image that asks: for people. */
  parent: z.array(z.string()),
  /** The word under which the asking process runs. */
  children,
  /** True while the word is the login shell's own: no approved image lies between. */
  fromShell: z.boolean(),
  /** Names of loader or interpreter hooks in the new environment. */
  hooks: z.array(z.string()),
  /**
   * One exec may need several answers, asked one after another. `interpreter`: what the kernel runs for the script
   * just allowed; only denies apply, so `children` says `trusted`. `loaded`: what a dynamic loader was told to load.
   */
  part: z.enum(['program', 'interpreter', 'loaded']),
  /** Present for a script: the file asked for, and the file the kernel will really run. */
  script: z.object({ path: z.string(), interpreter: z.string() }).optional(),
});

/** Images one message names at most: more than a session has processes. */
export const MAX_IMAGES = 32_768;
/** Processes shown of one session. */
export const MAX_TREE = 2_000;

const images = z.array(z.number().int().positive()).max(MAX_IMAGES);
const order = z.number().int().min(0);

/** Numbers as the host sees them; `inner` as the session does. `argv` only where the image is 0: nobody was asked. */
const process = z.object({
  pid: z.number().int(),
  ppid: z.number().int(),
  inner: z.number().int(),
  image: z.number().int(),
  argv: z.array(z.string()).optional(),
});

/**
 * Why the guard refuses by itself. `mismatch`: another image or argv than approved began, and was killed. `unreadable`:
 * its memory or root cannot be read. `timeout`: no answer. `unnamed`: a file without a name to decide by. `narrow`: a
 * 32-bit program. `hidden`: a file of the account's that cannot be read. `unsteady`: a loader's program that might become
 * another. `too-long`: more arguments than the gate reads. `launcher`: not one of the launcher's own steps.
 */
export const NOTE_KINDS = [
  'mismatch',
  'unreadable',
  'timeout',
  'unnamed',
  'narrow',
  'hidden',
  'unsteady',
  'too-long',
  'launcher',
  'held-up',
] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

/** guard → door */
export const guardToDoor = z.discriminatedUnion('type', [
  /** The lane carries under `token` the descriptors listed in `names`. */
  z.object({ type: z.literal('started'), sid, token, names: z.array(z.enum(FD_NAMES)) }),
  z.object({ type: z.literal('failed'), sid, message }),
  execAsk.extend({ type: z.literal('ask') }),
  /**
   * An image that differed from what was approved was killed, or an ask was refused by the guard itself; `full`: the
   * session has as many processes as it may have, and `text` is the whole sentence.
   */
  z.object({
    type: z.literal('note'),
    sid,
    pid: z.number().int(),
    kind: z.enum(NOTE_KINDS),
    /** First words of what was to run, where they are known, and of the image that started it: for people. */
    argv: z.array(z.string()).max(64),
    parent: z.array(z.string()).max(64),
  }),
  /** The session has as many processes as it may. */
  z.object({ type: z.literal('full'), sid, processes: z.number().int() }),
  /**
   * The process of that question waits for its answer for as long as it takes. `front`: in the foreground of the session's
   * terminal; said again when it is not any more.
   */
  z.object({ type: z.literal('held'), sid, q: z.number().int(), front: z.boolean() }),
  /** The process of a question that was held is gone, or was when it was to be. */
  z.object({ type: z.literal('lost'), sid, q: z.number().int() }),
  /** The session's own command ended; more processes may run, more output may come. */
  z.object({
    type: z.literal('exited'),
    sid,
    status: z.union([z.object({ code: z.number().int() }), z.object({ signal: z.string() })]),
  }),
  /** Nothing of the session runs any more: drain and close. */
  z.object({ type: z.literal('gone'), sid }),
  /** Images that no process runs, nor ever will: told in batches, some time after. */
  z.object({ type: z.literal('over'), sid, images }),
  /**
   * The order of that number is done: no process runs any of its images. `images` are those that had one to kill;
   * `front`: one of them held the terminal. `n` is 0 for an image that began after the answer and was killed unrun.
   */
  z.object({ type: z.literal('images-ended'), sid, n: order, images, front: z.boolean() }),
  z.object({ type: z.literal('tree'), sid, n: order, processes: z.array(process).max(MAX_TREE), more: order }),
]);

/** door → guard */
export const doorToGuard = z.discriminatedUnion('type', [
  /** The answer to an ask. `children` is the word the new image runs under. */
  z.object({ type: z.literal('verdict'), q: z.number().int(), allow: z.boolean(), children }),
  /** The answer will take longer than ASK_TIMEOUT_MS: it waits for a person. */
  z.object({ type: z.literal('hold'), sid, q: z.number().int() }),
  z.object({ type: z.literal('end'), sid }),
  /** Kills whatever runs these images, and what is about to begin as one of them. */
  z.object({ type: z.literal('end-images'), sid, n: order, images }),
  z.object({ type: z.literal('tree'), sid, n: order }),
]);

export type KeeperToGuard = z.infer<typeof keeperToGuard>;
export type GuardToKeeper = z.infer<typeof guardToKeeper>;
export type GuardToDoor = z.infer<typeof guardToDoor>;
export type DoorToGuard = z.infer<typeof doorToGuard>;
export type LaunchOrder = z.infer<typeof launch>;
export type LaunchLimits = z.infer<typeof limits>;
export type ExecAsk = z.infer<typeof execAsk>;
export type TreeProcess = z.infer<typeof process>;
export type FdName = (typeof FD_NAMES)[number];
export type ExitStatus = { code: number } | { signal: string };

/** The guard's descriptors when the keeper starts it. `bell` is a number kept for it: whatever is there is closed. */
export const GUARD_FDS = { keeperLink: 3, keeperLane: 4, doorLink: 5, doorLane: 6, bell: 17 } as const;

/** What a guard is started with, so that each of them lies where it is looked for; the links are Node's own pipes. */
export function guardStdio<T>(links: { keeperLink: T; keeperLane: T; doorLink: T; doorLane: T }): (T | 'ignore')[] {
  const { keeperLink, keeperLane, doorLink, doorLane } = links;
  const between = GUARD_FDS.bell - GUARD_FDS.doorLane - 1;
  return [keeperLink, keeperLane, doorLink, doorLane, ...Array<'ignore'>(between).fill('ignore'), keeperLane];
}
/** The guard says `beat` this often, ms; silent for four times that it counts as stalled. */
export const BEAT_MS = 500;
/** An ask without an answer for this long is refused, ms. */
export const ASK_TIMEOUT_MS = 2_000;
