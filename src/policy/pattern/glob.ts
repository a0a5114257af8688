/** A pattern for one word: literal pieces with any characters between them. Never empty; one piece is a plain word. */
export type Glob = readonly string[];

export const ANY: Glob = ['', ''];

/** Matches in one pass over the text: no backtracking, whatever the pattern. */
export function matchGlob(glob: Glob, text: string): boolean {
  const first = glob[0] as string;
  if (glob.length === 1) return text === first;
  const last = glob[glob.length - 1] as string;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (let i = 1; i < glob.length - 1; i++) {
    const piece = glob[i] as string;
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** The word a glob stands for when it holds no star. */
export function literalOf(glob: Glob): string | undefined {
  return glob.length === 1 ? glob[0] : undefined;
}
