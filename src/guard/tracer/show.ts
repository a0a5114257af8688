/** Words and bytes of an argv that leave the guard: enough to decide and to show, never a megabyte. */
const MAX_WORDS = 256;
const MAX_BYTES = 65_536;

/** UTF-8 text of the words, bounded; `cut` when some of them, or part of one, is missing. */
export function showWords(words: readonly Buffer[]): { argv: string[]; cut: boolean } {
  const argv: string[] = [];
  let left = MAX_BYTES;
  for (const word of words) {
    if (argv.length === MAX_WORDS || left <= 0) return { argv, cut: true };
    argv.push(word.toString('utf8', 0, Math.min(word.length, left)));
    if (word.length > left) return { argv, cut: true };
    left -= word.length;
  }
  return { argv, cut: false };
}
