// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a shell's
import { type Dialect, quote, type Scene } from './scene.js';

/** Builds an inner program in a dialect. */
export type Inner = (dialect: Dialect) => string;
export type Wrapper = (scene: Scene, inner: Inner, dialect: Dialect) => string;

const script = (scene: Scene, text: string): { file: string; make: string } => {
  const file = scene.fresh();
  return { file, make: `printf %s ${quote(`${text}\n`)} > ${file}` };
};
const base64 = (text: string) => Buffer.from(text).toString('base64');
const rot13 = (text: string) =>
  text.replace(/[a-z]/gi, (c) => {
    const base = c < 'a' ? 65 : 97;
    return String.fromCharCode(((c.charCodeAt(0) - base + 13) % 26) + base);
  });
const backwards = (text: string) =>
  text
    .split('\n')
    .map((line) => [...line].reverse().join(''))
    .join('\n');
const SH = ['sh', 'dash', 'busybox sh', '/bin/sh', 'env -i /bin/sh', 'setsid -w sh'] as const;
const BASH = ['bash', 'bash --norc', 'env -i bash', 'nice bash', 'exec bash', 'bash --posix'] as const;

/** Compound commands of the same shell. */
const COMPOUND: readonly Wrapper[] = [
  (_, inner, d) => `( ${inner(d)}\n)`,
  (_, inner, d) => `{ ${inner(d)}\n}`,
  (_, inner, d) => `if ! :; then :; else ${inner(d)}\nfi`,
  (_, inner, d) => `while :; do ${inner(d)}\nbreak; done`,
  (scene, inner, d) => `for ${scene.fresh()} in 1; do ${inner(d)}\ndone`,
  (_, inner, d) => `case x in (?) ${inner(d)}\n;; esac`,
  (scene, inner, d) => {
    const name = scene.fresh();
    return `${name}() {\n${inner(d)}\n}\n${name}`;
  },
  (_, inner, d) => `{ ${inner(d)}\n} & wait`,
  (_, inner, d) => `{ ${inner(d)}\n} | :; wait`,
  (_, inner, d) => `: | { ${inner(d)}\n}`,
  (_, inner, d) => `eval ${quote(inner(d))}`,
  (_, inner, d) => `: "$( ${inner(d)}\n)"`,
  (scene, inner, d) => {
    // Backslashes before newlines are gone from such a document, so that the program is in a file.
    const { file, make } = script(scene, inner(d));
    const tag = scene.fresh();
    return `${make}; : <<${tag}\n$(. ./${file})\n${tag}`;
  },
  (_, inner, d) => `(trap ${quote(inner(d))} EXIT)`,
  (scene, inner, d) => {
    const { file, make } = script(scene, inner(d));
    return `${make}; . ./${file}`;
  },
];

const COMPOUND_OF_BASH: readonly Wrapper[] = [
  (_, inner) => `(trap ${quote(inner('bash'))} USR1; kill -USR1 $BASHPID; :)`,
  (_, inner) => `(trap ${quote(inner('bash'))} DEBUG; :)`,
  (_, inner) => `(trap ${quote(inner('bash'))} ERR; false)`,
  (_, inner) => `cat <( ${inner('bash')}\n)`,
  (_, inner) => `. <(printf %s ${quote(inner('bash'))})`,
  (_, inner) => `. /dev/stdin <<< ${quote(inner('bash'))}`,
  (_, inner) => `mapfile -C ${quote(`${inner('bash')}\n#`)} -c 1 <<< x`,
  (scene, inner) => {
    // A prompt's text has escapes of its own, so that the program is in a file.
    const { file, make } = script(scene, inner('bash'));
    const name = scene.fresh();
    return `${make}; ${name}='$(. ./${file})'; : "\${${name}@P}"`;
  },
  (scene, inner) => {
    const name = scene.fresh();
    return `${name}=${quote(`x[$( ${inner('bash')}\n)]`)}; ((${name}))`;
  },
  (_, inner) => `command_not_found_handle() {\nunset -f command_not_found_handle\n${inner('bash')}\n}; nosuchcommand`,
  (scene, inner) => {
    const name = scene.fresh();
    return `${name}() {\n${inner('bash')}\n}; export -f ${name}; bash -c ${name}`;
  },
];

/** Another shell, and the ways to hand it a text. */
const SHELLS: readonly Wrapper[] = [
  (scene, inner) => `( ${scene.pick(SH)} -c ${quote(inner('sh'))})`,
  (scene, inner) => `( ${scene.pick(BASH)} -c ${quote(inner('bash'))})`,
  (scene, inner) => `printf %s ${quote(inner('sh'))} | ${scene.pick(SH)}`,
  (scene, inner) => `echo ${base64(inner('bash'))} | base64 -d | bash${scene.pick(['', ' -s', ' /dev/stdin'])}`,
  (scene, inner) => `printf %s ${quote(rot13(inner('sh')))} | tr a-zA-Z n-za-mN-ZA-M | ${scene.pick(SH)}`,
  (scene, inner) => `printf '%s\\n' ${quote(backwards(inner('sh')))} | rev | ${scene.pick(SH)}`,
  (scene, inner) => {
    const tag = scene.fresh();
    return `${scene.pick(SH)} <<'${tag}'\n${inner('sh')}\n${tag}`;
  },
  (scene, inner) => {
    const { file, make } = script(scene, inner('sh'));
    return `${make}; ${scene.pick(SH)} ${file}`;
  },
  (scene, inner) => {
    const { file, make } = script(scene, `#!/bin/${scene.pick(['sh', 'dash', 'busybox sh'])}\n${inner('sh')}`);
    return `${make}; chmod +x ${file}; ./${file}`;
  },
  (scene, inner) => {
    const { file, make } = script(scene, `#!/usr/bin/env -S bash\n${inner('bash')}`);
    return `${make}; chmod +x ${file}; ./${file}`;
  },
  (scene, inner, dialect) => {
    const { file, make } = script(scene, inner(dialect));
    return `${make}; chmod +x ${file}; ./${file}`;
  },
  (scene, inner) => {
    const { file, make } = script(scene, `unset BASH_ENV\n${inner('bash')}`);
    // A bash that is the first under ssh reads ~/.bashrc in its place.
    return `${make}; SHLVL=2 BASH_ENV=./${file} bash -c :`;
  },
  (scene, inner) => {
    const { file, make } = script(scene, inner('bash'));
    return `${make}; PS4='$(. ./${file})' bash -xc :`;
  },
  (_, inner) => `env 'BASH_FUNC_ls%%=() { '${quote(`${inner('bash')}\n}`)} bash -c ls`,
  (_, inner) => `script -qc ${quote(`sh -c ${quote(inner('sh'))}`)} /dev/null`,
];

/** The text around a text, for what reads `dialect`. */
export function wrap(scene: Scene, inner: Inner, dialect: Dialect): string {
  const own = dialect === 'bash' ? [...COMPOUND, ...COMPOUND_OF_BASH] : COMPOUND;
  return scene.pick(scene.once(2) ? SHELLS : own)(scene, inner, dialect);
}
