import { basename } from 'node:path';
import type { Children, Program } from '../../policy/types.js';
import { AT_FDCWD, type ExecCall } from './call.js';
import { heedsTrace, isLoader, loaderCall, TRACE } from './loader.js';
import { printOf } from './print.js';
import { type Found, release, resolveCall, resolvePath } from './resolve.js';
import type { Trust } from './trust.js';
import type { Twins } from './twins.js';

/** One program the door must be asked about before an exec may go on. */
export interface Part {
  program: Program;
  argv: Buffer[];
  /**
   * `program` is what was asked for. `interpreter` is what the kernel runs for a script: only denies apply to it.
   * `loaded` is the program a dynamic loader was told to load.
   */
  part: 'program' | 'interpreter' | 'loaded';
}

/** Everything known of an exec before it happens, and what the new image must be for it to live. */
export interface Plan {
  parts: Part[];
  /** Identity of the executable at the exec stop. */
  exe: string;
  /** Its print, where the account might write another content into the same file. */
  print: string | undefined;
  /** The new image's argv, as bytes each ending in NUL, and their number. */
  argv: Buffer;
  argc: number;
  script: { path: string; interpreter: string } | undefined;
  hooks: string[];
  /** The new environment must hold this name. */
  env?: string;
}

/** Why an exec is refused unasked: its file has no name, or none that will stay its own, or it could not run. */
export type Unasked = 'unnamed' | 'narrow' | 'hidden' | 'unsteady';
export type Planned = Plan | 'absent' | Unasked;

/** The kernel gives up with ELOOP beyond this. */
const MAX_INTERPRETERS = 5;

export interface Place {
  root: number;
  pid: number;
  trust: Trust;
  twins: Twins;
}

export function planExec(place: Place, call: ExecCall): Planned {
  const found = resolveCall(place.root, place.pid, call);
  if (typeof found === 'string') return found;
  const opened = [found];
  try {
    return plan(place, call, found, opened);
  } finally {
    opened.forEach(release);
  }
}

function plan(place: Place, call: ExecCall, found: Found, opened: Found[]): Planned {
  let known = know(place, found, call.argv);
  if (known === 'hidden') return known;
  const asked = found.shebang && !staysItself(place, found, call.path) ? unsteady(known.program) : known.program;
  const parts: Part[] = [{ program: asked, argv: call.argv, part: 'program' }];
  let argv = call.argv;
  let name = kernelName(call);
  let image = found;
  let script: Plan['script'];
  for (let depth = 0; image.shebang; depth += 1) {
    if (depth === MAX_INTERPRETERS) return 'absent';
    const { interpreter, argument } = image.shebang;
    argv = [
      Buffer.from(interpreter, 'latin1'),
      ...(argument === undefined ? [] : [Buffer.from(argument, 'latin1')]),
      name,
      ...argv.slice(1),
    ];
    const next = resolvePath(place.root, place.pid, Buffer.from(interpreter, 'latin1').toString('utf8'));
    if (typeof next === 'string') return next;
    opened.push(next);
    name = Buffer.from(interpreter, 'latin1');
    image = next;
    known = know(place, next, argv);
    if (known === 'hidden') return known;
    parts.push({ program: known.program, argv, part: 'interpreter' });
    script = { path: found.path, interpreter: next.path };
  }
  const exe = { exe: image.stat.id, print: known.print, argv: joined(argv), argc: argv.length };
  if (![image.path, ...(known.program.same ?? [])].some((path) => isLoader(basename(path))))
    return { parts, ...exe, script, hooks: call.hooks };
  const loaded = loadedProgram(place, argv, opened);
  if (loaded === 'unsteady' && call.hooks.includes(TRACE) && heedsTrace(basename(image.path)))
    return { parts, ...exe, script, hooks: call.hooks, env: TRACE };
  if (typeof loaded === 'string') return loaded;
  return { parts: [...parts, ...loaded.parts], ...exe, script, hooks: [...call.hooks, ...loaded.hooks] };
}

/**
 * Whether who opens `text` again will find the same file: interpreters open their scripts by name, after everything
 * was decided. A working directory, a descriptor and a link of the account's may change in between.
 */
function staysItself(place: Place, found: Found, text: Buffer): boolean {
  if (text[0] !== 0x2f || found.requested === undefined) return false;
  return found.requested === found.path || place.trust.sound(place.root, found.requested);
}

const unsteady = (program: Program): Program => ({ ...program, trustedNames: [], unsteady: true });

/** What the kernel hands an interpreter as the script's name. */
function kernelName(call: ExecCall): Buffer {
  if (call.dirfd === AT_FDCWD || call.path[0] === 0x2f) return call.path;
  const base = `/dev/fd/${call.dirfd}`;
  return call.path.length === 0 ? Buffer.from(base) : Buffer.concat([Buffer.from(`${base}/`), call.path]);
}

interface Known {
  program: Program;
  /** Set where the account might change the file. */
  print: string | undefined;
}

/** A file by all its names: those it was reached by, and those of the system's programs it is the same as. */
function know({ root, trust, twins }: Place, found: Found, argv: readonly Buffer[]): Known | 'hidden' {
  const names = new Set<string>();
  if (found.requested !== undefined) names.add(basename(found.requested));
  if (!found.deleted) names.add(basename(found.path));
  const own = argv[0]?.toString('utf8') ?? '';
  if (own !== '') names.add(basename(own));
  names.delete('');
  const trustedNames = found.deleted ? [] : trust.names(root, found.requested, found.path, found.stat, found.fd);
  if (trustedNames.length > 0)
    return { program: { path: found.path, names: [...names], trustedNames }, print: undefined };
  const print = printOf(found.fd, found.stat.size);
  if (print === undefined) return 'hidden';
  const same = twins.of(found.stat.id, print).filter((path) => path !== found.path);
  for (const path of same) names.add(basename(path));
  const program = { path: found.path, names: [...names], trustedNames };
  return { program: same.length === 0 ? program : { ...program, same }, print };
}

/**
 * What a loader will run. It opens the file by name once everything is decided, so the way there and the file must be
 * beyond the account's writing. Without a slash it searches its library path, which only it knows.
 */
function loadedProgram(
  place: Place,
  argv: readonly Buffer[],
  opened: Found[],
): { parts: Part[]; hooks: string[] } | Unasked {
  const call = loaderCall(argv.map((a) => a.toString('latin1')));
  if (call === undefined) return { parts: [], hooks: [] };
  const text = argv[call.at]?.toString('utf8') ?? '';
  if (!text.includes('/')) return 'unnamed';
  const found = resolvePath(place.root, place.pid, text);
  if (typeof found === 'string') return 'unnamed';
  opened.push(found);
  const rest = argv.slice(call.at);
  const known = know(place, found, rest);
  if (known === 'hidden') return known;
  const steady = text.startsWith('/') && place.trust.sound(place.root, text);
  if (!steady || known.program.trustedNames.length === 0) return 'unsteady';
  return { parts: [{ program: known.program, argv: rest, part: 'loaded' }], hooks: call.hooks };
}

function joined(argv: readonly Buffer[]): Buffer {
  const bytes = Buffer.alloc(argv.reduce((n, a) => n + a.length + 1, 0));
  let at = 0;
  for (const word of argv) {
    word.copy(bytes, at);
    at += word.length + 1;
  }
  return bytes;
}

/** The stricter of two words; an image made of two parts runs under it. */
export function stricter(a: Children, b: Children): Children {
  const order: Children[] = ['none', 'checked', 'trusted'];
  return order.indexOf(a) <= order.indexOf(b) ? a : b;
}
