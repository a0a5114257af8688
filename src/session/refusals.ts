/**
 * Which refusals of programs are shown. A prompt or completion that runs a denied program would otherwise repeat
 * itself for ever: what is refused before the first accepted line, or again, is shown once a session, unless the line
 * the engineer just entered names it. Holds at most MAX_SEEN texts; beyond that the oldest may be shown again.
 */
const MAX_SEEN = 1_000;

export interface RefusalFilter {
  /** The line gate let `line` go, or (without a line gate) the engineer pressed Enter: then the line is unknown. */
  accepted(line: string | undefined): void;
  /** The line last accepted, where lines are known. */
  readonly line: string | undefined;
  /** `text` is the whole message, `names` what a line would call the program. */
  shouldShow(text: string, names: readonly string[]): boolean;
}

/** `onAccepted` runs before what follows from the line. */
export function createRefusalFilter(onAccepted: () => void = () => {}): RefusalFilter {
  const seen = new Set<string>();
  let line: string | undefined;
  /** Texts shown since the last accepted line: one line shows one text once. */
  let shownForLine = new Set<string>();
  let entered = false;
  const isNamed = (names: readonly string[]) =>
    entered && (line === undefined || names.some((name) => name !== '' && line?.includes(name)));
  return {
    get line() {
      return line;
    },
    accepted(next) {
      onAccepted();
      line = next;
      entered = true;
      shownForLine = new Set();
    },
    shouldShow(text, names) {
      const fresh = !seen.has(text);
      const again = isNamed(names) && !shownForLine.has(text);
      if (!fresh && !again) return false;
      remember(seen, text);
      remember(shownForLine, text);
      return true;
    },
  };
}

function remember(set: Set<string>, text: string): void {
  set.add(text);
  if (set.size <= MAX_SEEN) return;
  const oldest = set.values().next().value;
  if (oldest !== undefined) set.delete(oldest);
}
