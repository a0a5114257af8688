// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a shell's
import { type Dialect, quote, type Scene } from './scene.js';
import { write } from './words.js';

/** The file every program is after, in its own directory. */
export const WITNESS = 'witness';

/** What the policy of this table denies, and argument lists that take or empty the witness. */
export const DENIED = ['rm', 'unlink', 'shred', 'truncate'] as const;
const DEEDS: readonly (readonly [string, ...string[]])[] = [
  ['rm', WITNESS],
  ['rm', '-f', WITNESS],
  ['rm', '-rf', '--', WITNESS],
  ['rm', '--', `./${WITNESS}`],
  ['unlink', WITNESS],
  ['shred', '-u', '-n1', WITNESS],
  ['truncate', '-s0', WITNESS],
];

/** The dynamic loader. Named, not looked for: a program around this one may have made `ls` a function that runs it. */
const LOADER = process.arch === 'x64' ? '/lib64/ld-linux-x86-64.so.2' : '/lib/ld-linux-aarch64.so.1';

interface Call {
  before: string[];
  argv: string[];
}

/** Where the program is called by: its name, or paths and links that lead to it. */
const CALLED: readonly ((scene: Scene, name: string) => { before: string[]; words: string[] })[] = [
  (_, name) => ({ before: [], words: [name] }),
  (_, name) => ({ before: [], words: [name] }),
  (_, name) => ({ before: [], words: [name] }),
  (_, name) => ({ before: [], words: [`/usr/bin/${name}`] }),
  (_, name) => ({ before: [], words: [`/bin/${name}`] }),
  (_, name) => ({ before: [], words: [`/usr/lib/..//bin/./${name}`] }),
  (scene, name) => {
    const link = scene.fresh();
    return { before: [`ln -s /usr/bin/${name} ${link}`], words: [`./${link}`] };
  },
  (scene, name) => {
    const [one, two] = [scene.fresh(), scene.fresh()];
    return { before: [`ln -s /usr/bin ${one}; ln -s ${one}/${name} ${two}`], words: [`./${two}`] };
  },
  (scene, name) => {
    const dir = scene.fresh();
    return {
      before: [`mkdir ${dir}; ln -s /usr/bin/${name} ${dir}/cat; export PATH=$PWD/${dir}:$PATH`],
      words: ['cat'],
    };
  },
  (scene, name) => {
    const dir = scene.fresh();
    return { before: [`mkdir ${dir}; cp /usr/bin/${name} ${dir}/`], words: [`${dir}/${name}`] };
  },
  (scene, name) => {
    const [dir, other] = [scene.fresh(), scene.fresh()];
    const before = `mkdir ${dir}; cp /usr/bin/${name} ${other}; ln ${other} ${dir}/${name}`;
    return { before: [before], words: [`./${dir}/${name}`] };
  },
  (scene, name) => {
    const copy = scene.fresh();
    return { before: [`cp /usr/bin/${name} ${copy}`], words: [`./${copy}`] };
  },
  (scene, name) => {
    const [one, two] = [scene.fresh(), scene.fresh()];
    return {
      before: [`cat /usr/bin/${name} > ${one}; echo >> ${one}; chmod +x ${one}; ln ${one} ${two}`],
      words: [`./${two}`],
    };
  },
  (scene, name) => {
    const copy = `/dev/shm/$$-${scene.fresh()}`;
    return { before: [`copy=${copy}; cp /usr/bin/${name} $copy; ln -s $copy ./copy`], words: ['./copy'] };
  },
  (_, name) => ({ before: [`ln -s ${LOADER} ./loader`], words: ['./loader', `/usr/bin/${name}`] }),
  (_, name) => ({ before: [`cp ${LOADER} ./loader`], words: ['./loader', `/bin/${name}`] }),
  (_, name) => ({ before: [], words: ['busybox', name] }),
  (scene, name) => {
    const link = scene.fresh();
    return { before: [`mkdir ${link}; ln -s "$(command -v busybox)" ${link}/${name}`], words: [`${link}/${name}`] };
  },
  (scene, name) => {
    const script = scene.fresh();
    return {
      before: [`printf '#!/usr/bin/${name}\\n' > ${script}; chmod +x ${script}`],
      words: name === 'unlink' || name === 'truncate' ? [`/usr/bin/${name}`] : [`./${script}`],
    };
  },
];

const STARTERS: readonly string[][] = [
  ...[[], [], [], []],
  ...[
    ['env'],
    ['env', '-u', 'X'],
    ['nice'],
    ['nice', '-n5'],
    ['timeout', '9'],
    ['nohup'],
    ['setsid', '-w'],
    ['stdbuf', '-o0'],
  ],
  ...[
    ['command'],
    ['env', 'A=b', 'nice', 'timeout', '9'],
    ['ionice', '-c3'],
    ['setarch', '-R'],
    ['prlimit', '--nofile=256'],
  ],
];

function call(scene: Scene, starters = STARTERS): Call {
  const [name, ...args] = scene.pick(DEEDS);
  const { before, words } = scene.pick(CALLED)(scene, name);
  return { before, argv: [...scene.pick(starters), ...words, ...args] };
}

/** Puts the words of a command into one shell's text. */
type Shape = (scene: Scene, words: string[], argv: string[]) => string;

const SHAPES: readonly Shape[] = [
  (_, words) => words.join(' '),
  (_, words) => words.join(' '),
  (_, words) => words.join('\t '),
  (_, words) => `( ${words.join(' ')})`,
  (_, words) => `${words.join(' ')} & wait`,
  (_, words) => `: | ${words.join(' ')}`,
  (_, words) => `false || ${words.join(' ')}`,
  (_, words) => `set -- ${words.join(' ')}; "$@"`,
  (_, words) => `eval ${quote(words.join(' '))}`,
  (_, words) => `>/dev/null ${words.join(' ')} 2>&1`,
  (scene, words) => `${scene.fresh()}=1 ${words.join(' ')}`,
  (scene, words) => {
    const name = scene.fresh();
    return `${name}() { "$@"; }; ${name} ${words.join(' ')}`;
  },
  (scene, _, argv) => {
    const name = scene.fresh();
    return `${name}=${quote(argv.join(','))}; (IFS=,; $${name})`;
  },
];

const SHAPES_OF_BASH: readonly Shape[] = [
  (_, _words, argv) => `{${argv.join(',')}}`,
  (scene, words) => {
    const name = scene.fresh();
    return `${name}=(${words.join(' ')}); "\${${name}[@]}"`;
  },
  (scene, words) => `coproc ${scene.fresh()} { ${words.join(' ')}; }; wait`,
  (_, words) => `cat <( ${words.join(' ')})`,
  (scene, words) => {
    const name = scene.fresh();
    const line = quote(`${name} ${words.slice(1).join(' ')}`);
    return `shopt -s expand_aliases; alias ${name}=${quote(words[0] ?? '')}\neval ${line}`;
  },
];

/** Commands that only stand first, and not before an assignment or a brace. */
const FIRST: readonly ((words: string[], argv: string[]) => string)[] = [
  (words) => `(exec ${words.join(' ')})`,
  // What busybox and setarch are called decides what they do.
  (words, [name = '']) => `(exec ${/^(busybox|setarch|t\d)/.test(name) ? '' : '-a ls '}${words.join(' ')})`,
];

/** One command that does the deed, in a shell's words. */
export function command(scene: Scene, dialect: Dialect): string {
  const { before, argv } = call(scene);
  const written = argv.map((word) => write(scene, word, dialect));
  const words = written.map(({ text }) => text);
  const first = argv[0] === 'command' ? undefined : FIRST[scene.below(dialect === 'bash' ? 2 : 1)];
  const shape = scene.pick(dialect === 'bash' ? [...SHAPES, ...SHAPES_OF_BASH] : SHAPES);
  const text = first && scene.once(8) ? first(words, argv) : shape(scene, words, argv);
  return [...before, ...written.flatMap((word) => word.before), text].join('\n');
}

/** The same deed as an argument list, for languages that start programs without a shell; `before` is a shell's. */
export const deed = (scene: Scene): Call =>
  call(
    scene,
    STARTERS.filter(([first]) => first !== 'command'),
  );
