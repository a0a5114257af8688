/** Texts remembered; of older ones it may be asked again. */
const MAX_SEEN = 1_000;

/**
 * What was asked about already, once for each line. What the shell itself starts again and again, for a prompt or a
 * completion, is asked about once, or when the line names it or is the same.
 */
export interface OfferMemory {
  /** The shell accepted this line; undefined: Enter was pressed, and no more is known. */
  accepted(line: string | undefined): void;
  /** Whether to ask about it now; then it is remembered. `names`: what a line would call it, where the shell itself started it. */
  mayAsk(text: string, names: readonly string[] | undefined): boolean;
}

export function createOfferMemory(): OfferMemory {
  /** The line each was asked about in. */
  const seen = new Map<string, string | undefined>();
  let inLine = new Set<string>();
  let line: string | undefined;
  const isNamed = (names: readonly string[] | undefined) =>
    line === undefined || names === undefined || names.some((name) => name !== '' && line?.includes(name));
  return {
    accepted(next) {
      line = next;
      inLine = new Set();
    },
    mayAsk(text, names) {
      const again = isNamed(names) || seen.get(text) === line;
      if (inLine.has(text) || (seen.has(text) && !again)) return false;
      seen.delete(text);
      seen.set(text, line);
      inLine.add(text);
      const oldest = seen.keys().next().value;
      if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
      return true;
    },
  };
}
