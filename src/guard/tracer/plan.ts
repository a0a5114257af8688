import { basename } from 'node:path';
import type { Children, Program } from '../../policy/types.js';
import { AT_FDCWD, type ExecCall } from './call.js';
import { type Found, release, resolveCall, resolvePath } from './resolve.js';
import type { Trust } from './trust.js';

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
  /** The new image's argv, as bytes each ending in NUL, and their number. */
  argv: Buffer;
  argc: number;
  script: { path: string; interpreter: string } | undefined;
  hooks: string[];
}

export type Planned = Plan | 'absent' | 'refuse';

/** The kernel gives up with ELOOP beyond this. */
const MAX_INTERPRETERS = 5;
const LOADER = /^ld(-linux.*|-musl-.*|\.so.*|-\d.*|64.*)\.so(\.\d+)?$|^ld\.so$/;

export interface Place {
  root: number;
  pid: number;
  trust: Trust;
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
  const program = programOf(place, found, call.argv);
  const asked = found.shebang && !staysItself(place, found, call.path) ? unsteady(program) : program;
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
    parts.push({ program: programOf(place, next, argv), argv, part: 'interpreter' });
    script = { path: found.path, interpreter: next.path };
  }
  const loaded = loadedProgram(place, image, argv, opened);
  if (loaded === 'refuse') return 'refuse';
  if (loaded) parts.push(loaded);
  return { parts, exe: image.stat.id, argv: joined(argv), argc: argv.length, script, hooks: call.hooks };
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

function programOf(place: Place, found: Found, argv: readonly Buffer[]): Program {
  const names = new Set<string>();
  if (found.requested !== undefined) names.add(basename(found.requested));
  if (!found.deleted) names.add(basename(found.path));
  const own = argv[0]?.toString('utf8') ?? '';
  if (own !== '') names.add(basename(own));
  const trustedNames = found.deleted
    ? []
    : place.trust.names(place.root, found.requested, found.path, found.stat, found.fd);
  return { path: found.path, names: [...names].filter((n) => n !== ''), trustedNames };
}

/** `ld.so /bin/x` runs x without an exec of it. */
function loadedProgram(
  place: Place,
  image: Found,
  argv: readonly Buffer[],
  opened: Found[],
): Part | 'refuse' | undefined {
  if (!LOADER.test(basename(image.path))) return undefined;
  const at = programArgument(argv.map((a) => a.toString('latin1')));
  if (at === undefined) return undefined;
  const text = argv[at]?.toString('utf8') ?? '';
  // Without a slash the loader searches its library path, which only it knows.
  if (!text.includes('/')) return 'refuse';
  const found = resolvePath(place.root, place.pid, text);
  if (typeof found === 'string') return 'refuse';
  opened.push(found);
  const rest = argv.slice(at);
  return { program: programOf(place, found, rest), argv: rest, part: 'loaded' };
}

/** Index of the first argument that is not an option; options the loader knows take one value or none. */
function programArgument(argv: readonly string[]): number | undefined {
  const withValue = new Set([
    '--library-path',
    '--glibc-hwcaps-prepend',
    '--glibc-hwcaps-mask',
    '--inhibit-rpath',
    '--audit',
    '--preload',
    '--argv0',
  ]);
  for (let i = 1; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    if (withValue.has(word)) i += 1;
    else if (!word.startsWith('--')) return i;
  }
  return undefined;
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
