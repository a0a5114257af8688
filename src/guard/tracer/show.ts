/** What of an argv leaves the guard: all that is needed to decide, little of what is only shown, never megabytes. */

/** xargs stays below by default, and so does `*` in a directory of many thousand files. */
const ASKED = { words: 16_384, bytes: 256 * 1024 };
const SHOWN = { words: 64, bytes: 4_096 };

/** The words a question is about, each whole, as UTF-8; `cut` when some are missing. */
export function askedWords(words: readonly Buffer[]): { argv: string[]; cut: boolean } {
  const argv: string[] = [];
  let left = ASKED.bytes;
  for (const word of words) {
    left -= word.length;
    if (argv.length === ASKED.words || left < 0) return { argv, cut: true };
    argv.push(word.toString('utf8'));
  }
  return { argv, cut: false };
}

/** The first words, for people. */
export function shownWords(words: readonly Buffer[]): string[] {
  const argv: string[] = [];
  let left = SHOWN.bytes;
  for (const word of words) {
    if (argv.length === SHOWN.words || left <= 0) break;
    argv.push(word.toString('utf8', 0, Math.min(word.length, left)));
    left -= word.length;
  }
  return argv;
}
