import { deed } from './commands.js';
import { quote, type Scene } from './scene.js';
import type { Inner } from './wrappers.js';

/** A program of another language that starts a text of sh. */
type Host = (scene: Scene, text: string) => string;

/** A literal that python and awk read alike. */
const literal = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
/** Perl's own single quotes. */
const perlLiteral = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const list = (words: readonly string[]) => `[${words.map(literal).join(', ')}]`;

const HOSTS: readonly Host[] = [
  (_, t) => `python3 -Sc ${quote(`import os; os.system(${literal(t)})`)}`,
  (_, t) => `python3 -Sc ${quote(`import subprocess as s; s.run(${literal(t)}, shell=True)`)}`,
  (_, t) => `python3 -Sc ${quote(`import os; os.popen(${literal(t)}).read()`)}`,
  (_, t) => `python3 -Sc ${quote(`import pty; pty.spawn(["sh", "-c", ${literal(t)}])`)}`,
  (_, t) => `perl -e ${quote(`system ${perlLiteral(t)}`)}`,
  (_, t) => `perl -e ${quote(`my $x = ${perlLiteral(t)}; \`$x\``)}`,
  (_, t) => `perl -e ${quote(`open my $f, "|-", ${perlLiteral(t)}; close $f`)}`,
  (_, t) => `perl -e ${quote(`exec "sh", "-c", ${perlLiteral(t)}`)}`,
  (_, t) => `awk ${quote(`BEGIN { system(${literal(t)}) }`)}`,
  (_, t) => `awk ${quote(`BEGIN { print "" | ${literal(t)} }`)}`,
  (_, t) => `awk ${quote(`BEGIN { ${literal(t)} | getline }`)}`,
  (_, t) => `busybox awk ${quote(`BEGIN { system(${literal(t)}) }`)}`,
  (_, t) => `find . -maxdepth 0 -exec sh -c ${quote(t)} \\;`,
  (_, t) => `busybox find . -maxdepth 0 -exec sh -c ${quote(t)} \\;`,
  (_, t) => `echo x | xargs -n1 sh -c ${quote(t)}`,
  (_, t) => `git -c alias.x=${quote(`!${t}\n#`)} x`,
  inFile((file) => `echo x | sed '1e sh ./${file}'`),
  inFile((file) => `tar cf /dev/null --checkpoint=1 '--checkpoint-action=exec=sh ./${file}' ${file}`),
  inFile((file) => `printf 'all:\\n\\t/bin/sh ./${file}\\n' | make -sf -`),
  inFile((file) => `echo '$(shell /bin/sh ./${file})' | make -sf -`),
  inFile((file) => `echo x | split --filter='sh ./${file}'`),
  inFile((file) => `flock ${file} sh ./${file}`),
  inFile((file) => `xargs -a ${file} -d '\\n' -n 9999 sh -c 'IFS="\n"; eval "$*"' x`),
];

function inFile(use: (file: string) => string): Host {
  return (scene, text) => {
    const file = scene.fresh();
    return `printf %s ${quote(`${text}\n`)} > ${file}; ${use(file)}`;
  };
}

/** Starts a list of words itself, without a shell. */
const DIRECT: readonly ((argv: readonly string[]) => string)[] = [
  (a) => `python3 -Sc ${quote(`import subprocess as s; s.run(${list(a)})`)}`,
  (a) => `python3 -Sc ${quote(`import os; os.execvp(${literal(a[0] ?? '')}, ${list(a)})`)}`,
  (a) =>
    `python3 -Sc ${quote(`import os; os.waitpid(os.posix_spawnp(${literal(a[0] ?? '')}, ${list(a)}, os.environ), 0)`)}`,
  (a) =>
    `python3 -Sc ${quote(`import os\nif os.fork(): os.wait()\nelse: os.execvp(${literal(a[0] ?? '')}, ${list(a)})`)}`,
  (a) =>
    `python3 -Sc ${quote(`import os, threading as t\nx = t.Thread(target=lambda: os.execvp(${literal(a[0] ?? '')}, ${list(a)})); x.start(); x.join()`)}`,
  (a) => `perl -e ${quote(`system ${a.map(perlLiteral).join(', ')}`)}`,
  (a) => `perl -e ${quote(`exec {${perlLiteral(a[0] ?? '')}} ${a.map(perlLiteral).join(', ')}`)}`,
  (a) => `perl -e ${quote(`open my $f, "-|", ${a.map(perlLiteral).join(', ')}; <$f>`)}`,
  (a) => `find . -maxdepth 0 -exec ${a.map(quote).join(' ')} \\;`,
  (a) => `printf '%s\\n' ${a.map(quote).join(' ')} | xargs env`,
];

/** A host around a text, as a shell of any kind reads it. */
export const host = (scene: Scene, inner: Inner): string => scene.pick(HOSTS)(scene, inner('sh'));

/** The deed by a language's own means. */
export function direct(scene: Scene): string {
  const { before, argv } = deed(scene);
  return [...before, scene.pick(DIRECT)(argv)].join('\n');
}
