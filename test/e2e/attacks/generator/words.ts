// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a shell's
import { type Dialect, quote, type Scene } from './scene.js';

/** A word as a shell will make it, and what must have run before. The words here hold letters, digits and `-./_` only. */
export interface Written {
  before: string[];
  text: string;
}

type Way = (scene: Scene, word: string) => Written;

const plain = (text: string): Written => ({ before: [], text });
const octal = (text: string) => [...text].map((c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`).join('');
const hex = (text: string) => [...text].map((c) => `\\x${c.charCodeAt(0).toString(16)}`).join('');

/** The word in a variable made before, and `use` of the variable's name. */
const through = (use: (name: string) => string, value = (word: string) => quote(word)): Way => {
  return (scene, word) => {
    const name = scene.fresh();
    return { before: [`${name}=${value(word)}`], text: use(name) };
  };
};

const cut = (scene: Scene, word: string): [string, string] => {
  const at = scene.below(word.length + 1);
  return [word.slice(0, at), word.slice(at)];
};

const ANYWHERE: readonly Way[] = [
  (_, word) => plain(word),
  (_, word) => plain(word),
  (_, word) => plain(quote(word)),
  (_, word) => plain(`"${word}"`),
  (_, word) => plain(word.replace(/./g, '\\$&')),
  (scene, word) => {
    const [a, b] = cut(scene, word);
    return plain(`${a}''${b}`);
  },
  (scene, word) => {
    const [a, b] = cut(scene, word);
    return plain(`"${a}"'${b}'`);
  },
  (scene, word) => {
    const [a, b] = cut(scene, word);
    return plain(`${a}\${${scene.fresh()}}${b}`);
  },
  (scene, word) => {
    const [a, b] = cut(scene, word);
    return plain(`${a}\\\n${b}`);
  },
  through((name) => `$${name}`),
  through((name) => `"\${${name}}"`),
  through(
    (name) => `\${${name}#x}`,
    (word) => `x${word}`,
  ),
  through(
    (name) => `\${${name}%-*}`,
    (word) => `${word}-y`,
  ),
  (scene, word) => plain(`\${${scene.fresh()}:-${word}}`),
  (scene, word) => plain(`\${${scene.fresh()}:=${word}}`),
  (_, word) => plain(`$(echo ${word})`),
  (_, word) => plain(`\`echo ${word}\``),
  (_, word) => plain(`$(printf '${octal(word)}')`),
  (_, word) => plain(`$(echo ${[...word].reverse().join('')} | rev)`),
  (_, word) => plain(`$(echo ${Buffer.from(word).toString('base64')} | base64 -d)`),
  (scene, word) => {
    const name = scene.fresh();
    return { before: [`${name}() { echo ${quote(word)}; }`], text: `$(${name})` };
  },
];

const IN_BASH: readonly Way[] = [
  (_, word) => plain(`$'${hex(word)}'`),
  (_, word) => plain(`$'${octal(word)}'`),
  (_, word) => plain(`$"${word}"`),
  through(
    (name) => `\${${name}:2:99}`,
    (word) => `xy${word}`,
  ),
  through(
    (name) => `\${${name}//@/}`,
    (word) => quote([...word].join('@')),
  ),
  through(
    (name) => `\${${name}[1]}`,
    (word) => `(nothing ${quote(word)})`,
  ),
  through(
    (name) => `\${${name}[@]: -1}`,
    (word) => `(a b ${quote(word)})`,
  ),
  (scene, word) => {
    const [to, by] = [scene.fresh(), scene.fresh()];
    return { before: [`${to}=${word} ${by}=${to}`], text: `\${!${by}}` };
  },
  (scene, word) => {
    const [to, by] = [scene.fresh(), scene.fresh()];
    return { before: [`${to}=${word}; declare -n ${by}=${to}`], text: `$${by}` };
  },
  (scene, word) => {
    const name = scene.fresh();
    return { before: [`printf -v ${name} '${hex(word)}'`], text: `$${name}` };
  },
  (scene, word) => {
    const name = scene.fresh();
    return { before: [`read -r ${name} <<< ${word}`], text: `$${name}` };
  },
  (scene, word) => {
    const name = scene.fresh();
    return { before: [`declare -A ${name}=([k]=${word})`], text: `\${${name}[k]}` };
  },
];

/** A word in one of the ways a shell can be made to say it. */
export function write(scene: Scene, word: string, dialect: Dialect): Written {
  const way = scene.pick(dialect === 'bash' && scene.once(2) ? IN_BASH : ANYWHERE);
  return way(scene, word);
}
