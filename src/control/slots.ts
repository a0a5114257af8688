/** How many streams may flow at once: each holds a file, a connection and at most two chunks of memory. */
import { SallyportError } from '../core/errors.js';

const MAX_STREAMS = 64;
/** So that one auditor's forgotten windows do not keep the others out. */
const MAX_PER_UID = 16;

export interface Slots {
  /** Returns what gives the slot back; throws `failed` when there is none. */
  take(uid: number): () => void;
}

export function createSlots(max = MAX_STREAMS, perUid = MAX_PER_UID): Slots {
  const taken = new Map<number, number>();
  let all = 0;
  const add = (uid: number, n: 1 | -1) => {
    all += n;
    taken.set(uid, (taken.get(uid) ?? 0) + n);
    if (taken.get(uid) === 0) taken.delete(uid);
  };
  return {
    take(uid) {
      if (all >= max || (taken.get(uid) ?? 0) >= perUid)
        throw new SallyportError(
          'failed',
          `too many are reading at once (at most ${perUid} a user, ${max} in all): end a replay or an audit --follow first`,
        );
      add(uid, 1);
      let held = true;
      return () => {
        if (held) add(uid, -1);
        held = false;
      };
    },
  };
}
