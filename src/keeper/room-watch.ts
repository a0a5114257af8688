/** Says in time when the disk of the audit log or of the recordings fills: a full one ends every session. */
import { dirname } from 'node:path';
import type { Clock } from '../core/clock.js';
import { showSize } from '../core/size.js';
import { freeBytes, LITTLE_ROOM } from '../store/index.js';

const LOOK_MS = 30_000;

export interface RoomWatchParts {
  clock: Clock;
  /** Directories by what lies in them. */
  places: Readonly<Record<string, string>>;
  free?: (path: string) => number | undefined;
  log(line: string): void;
}

/** Looks at once and then now and then; tells when a disk is short of room, and again only after it had plenty. */
export function watchRoom({ clock, places, log, free = freeBytes }: RoomWatchParts): () => void {
  const short = new Set<string>();
  const look = () => {
    for (const [what, path] of Object.entries(places)) {
      const left = free(path);
      if (left === undefined) continue;
      if (left >= 2 * LITTLE_ROOM) short.delete(what);
      if (left >= LITTLE_ROOM || short.has(what)) continue;
      short.add(what);
      log(`${showSize(left)} left for ${what} in ${dirname(path)}: make room; when nothing is left every session ends`);
    }
  };
  look();
  const timer = clock.every(LOOK_MS, look);
  return () => timer.cancel();
}
