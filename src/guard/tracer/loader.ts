/** The command line of a dynamic loader: `ld.so /bin/x` runs x without an exec of it. glibc's and musl's options. */

const NAME = /^ld(-linux.*|-musl-.*|\.so.*|-\d.*|64.*)\.so(\.\d+)?$|^ld\.so$/;
/** Options that take the next word. */
const WITH_VALUE = new Set([
  '--library-path',
  '--glibc-hwcaps-prepend',
  '--glibc-hwcaps-mask',
  '--inhibit-rpath',
  '--audit',
  '--preload',
  '--argv0',
]);
/** Options that choose what code runs beside the program, and the variable that would do the same. */
const HOOKS: readonly (readonly [option: string, hook: string])[] = [
  ['--preload', 'LD_PRELOAD'],
  ['--audit', 'LD_AUDIT'],
  ['--library-path', 'LD_LIBRARY_PATH'],
  ['--glibc-hwcaps-prepend', 'LD_LIBRARY_PATH'],
];

/** Options under which nothing is run; both loaders leave at once. */
const LOOKS = new Set(['--verify', '--list', '--list-tunables', '--list-diagnostics', '--help', '--version']);

/** With this in its environment glibc's loader tells what it would load, and runs nothing; that is how ldd works. */
export const TRACE = 'LD_TRACE_LOADED_OBJECTS';
export const heedsTrace = (name: string): boolean => !name.startsWith('ld-musl-');

export interface LoaderCall {
  /** Index of the program in argv. */
  at: number;
  hooks: string[];
}

export const isLoader = (name: string): boolean => NAME.test(name);

/** What a loader called with `argv` is told to load; undefined when nothing. */
export function loaderCall(argv: readonly string[]): LoaderCall | undefined {
  const hooks = new Set<string>();
  for (let i = 1; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    if (word === '--') return i + 1 < argv.length ? { at: i + 1, hooks: [...hooks] } : undefined;
    if (!word.startsWith('--')) return { at: i, hooks: [...hooks] };
    if (LOOKS.has(word)) return undefined;
    const hook = HOOKS.find(([option]) => word === option || word.startsWith(`${option}=`))?.[1];
    if (hook !== undefined) hooks.add(hook);
    if (WITH_VALUE.has(word)) i += 1;
  }
  return undefined;
}
