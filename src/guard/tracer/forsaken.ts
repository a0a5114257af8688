/**
 * Looks after which a child that nobody announced is given up, in looks at which every report there was had been heard:
 * at four a second, two seconds, and the one who forked it has long been stopped to say so, if it lives.
 */
const LOOKS = 8;

/**
 * Children whose parent was ended between its fork and the report of it, and who were given another parent that is not the
 * session's first process (a sub-reaper, the parent's own parent, the program the parent's process became): no death
 * leads to them, nothing counts them, and they stay stopped for good.
 */
export interface Forsaken {
  /** Whether the kernel had no more reports. */
  heard(all: boolean): void;
  /** Those to be killed. Call it a few times a second. */
  look(): number[];
}

export function createForsaken(strangers: ReadonlyMap<number, unknown>): Forsaken {
  const looked = new Map<number, number>();
  let heardAll = true;
  return {
    heard(all) {
      heardAll = all;
    },
    look() {
      if (!heardAll) return [];
      for (const tid of looked.keys()) if (!strangers.has(tid)) looked.delete(tid);
      for (const tid of strangers.keys()) looked.set(tid, (looked.get(tid) ?? 0) + 1);
      return [...looked].filter(([, looks]) => looks > LOOKS).map(([tid]) => tid);
    },
  };
}
