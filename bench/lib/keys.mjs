/** One key and its echo. */
import { mono } from './stats.mjs';

/** Neighbours differ, so that a late echo cannot be taken for the next one. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
export const letter = (at) => LETTERS[at % LETTERS.length];

/** Resolves with the ms until the key is back. */
export async function oneKey(shell, key) {
  const { promise, resolve, reject } = deferred();
  const late = setTimeout(() => reject(new Error(`${shell.contender.name}: no echo in 5 s`)), 5_000);
  // What a new line still had to draw may come before it.
  shell.tap((data) => {
    if (data.toString('latin1').endsWith(key)) resolve(mono());
  });
  const start = mono();
  shell.write(key);
  const end = await promise;
  clearTimeout(late);
  shell.tap(undefined);
  return end - start;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
