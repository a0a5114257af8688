/** How many changes of rights a door is told before it has answered: one that moves a thousand sessions is not late. */

/** What a door decides anew in well under the time it has for each answer, on a busy machine too. */
const MAX_UNANSWERED = 100;

export interface Pace {
  /** Undefined when there is room now, and else when there is. Each entry is followed by one `leave`. */
  enter(pair: object): Promise<void> | undefined;
  leave(pair: object): void;
}

interface Line {
  told: number;
  waiting: (() => void)[];
}

export function createPace(most = MAX_UNANSWERED): Pace {
  const lines = new WeakMap<object, Line>();
  const lineOf = (pair: object): Line => {
    const line = lines.get(pair) ?? { told: 0, waiting: [] };
    lines.set(pair, line);
    return line;
  };
  return {
    enter(pair) {
      const line = lineOf(pair);
      if (line.told < most) {
        line.told += 1;
        return undefined;
      }
      return new Promise((resolve) => {
        line.waiting.push(resolve);
      });
    },
    leave(pair) {
      const line = lineOf(pair);
      const next = line.waiting.shift();
      // Who waits takes the place that is left.
      if (next) next();
      else line.told -= 1;
    },
  };
}
