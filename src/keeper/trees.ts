import { type Clock, within } from '../core/clock.js';
import type { FromDoor } from '../wire/door.js';
import type { ProcessTree } from '../wire/types.js';
import type { Pair } from './pair.js';
import type { LiveSession } from './registry.js';

/** How long door and guard have for a session's tree; then the rest is shown without it. Unit: ms. */
const ANSWER_MS = 1_500;

type TreeMessage = Extract<FromDoor, { type: 'tree' }>;

/** Asks the pair of a session for what runs in it. */
export interface Trees {
  /** Undefined when no answer came in time. */
  of(session: LiveSession): Promise<ProcessTree | undefined>;
  answer(message: TreeMessage, pair: Pair): void;
}

export function createTrees(clock: Clock): Trees {
  let last = 0;
  const waiting = new Map<number, { pair: Pair; resolve(tree: ProcessTree): void }>();
  return {
    async of({ id, pair }) {
      last += 1;
      const q = last;
      let tree: ProcessTree | undefined;
      const answered = new Promise<void>((settle) => {
        waiting.set(q, {
          pair,
          resolve(found) {
            tree = found;
            settle();
          },
        });
      });
      try {
        pair.toDoor({ type: 'tree', q, sid: id });
        await within(clock, answered, ANSWER_MS);
      } finally {
        waiting.delete(q);
      }
      return tree;
    },
    answer({ re, processes, more }, pair) {
      const asked = waiting.get(re);
      // A door speaks for its own sessions alone.
      if (asked?.pair === pair) asked.resolve({ processes, more });
    },
  };
}
