import { command } from './commands.js';
import { dice } from './dice.js';
import { direct, host } from './languages.js';
import { type Dialect, type Scene, sceneOf } from './scene.js';
import { wrap } from './wrappers.js';

const DEEPEST = 4;
/** Quoting doubles with every level; what grew beyond this is thrown again. Characters. */
const LONGEST = 8_000;

/**
 * A random program for bash: run in a directory with a witness, it takes or empties that by a program the policy denies,
 * and by nothing else. The same seed and number give the same program.
 */
export function program(seed: number, number: number): string {
  const scene = sceneOf(dice(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)));
  for (;;) {
    const text = nested(scene, scene.below(DEEPEST + 1), 'bash');
    if (text.length <= LONGEST) return `${text}\n`;
  }
}

function nested(scene: Scene, depth: number, dialect: Dialect): string {
  if (depth === 0) return scene.once(5) ? direct(scene) : command(scene, dialect);
  const inner = (next: Dialect) => nested(scene, depth - 1, next);
  return scene.once(3) ? host(scene, inner) : wrap(scene, inner, dialect);
}
