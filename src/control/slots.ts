/** How many streams may flow at once: each holds a file, a connection and at most two chunks of memory. */
import { SallyportError } from '../core/errors.js';

const MAX_STREAMS = 64;
/** So that one auditor's forgotten windows do not keep the others out. */
const MAX_PER_SHARE = 16;

export interface Slots {
  /** Returns what gives the slot back; throws `failed` when there is none. */
  take(share: string): () => void;
}

export function createSlots(max = MAX_STREAMS, perShare = MAX_PER_SHARE): Slots {
  const taken = new Map<string, number>();
  let all = 0;
  const add = (share: string, n: 1 | -1) => {
    all += n;
    taken.set(share, (taken.get(share) ?? 0) + n);
    if (taken.get(share) === 0) taken.delete(share);
  };
  return {
    take(share) {
      if (all >= max || (taken.get(share) ?? 0) >= perShare)
        throw new SallyportError(
          'failed',
          `too many are reading at once (at most ${perShare} a user, ${max} in all): end a replay, a watch or an audit --follow first`,
        );
      add(share, 1);
      let held = true;
      return () => {
        if (held) add(share, -1);
        held = false;
      };
    },
  };
}
