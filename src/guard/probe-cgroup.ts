import { availableIn, isDelegated, ownCgroup } from '../os/cgroup.js';

/** What this process's cgroup v2 could limit, and whether it was handed over; undefined without one. */
export function probeCgroup(): { controllers: readonly string[]; delegated: boolean } | undefined {
  const dir = ownCgroup();
  return dir === undefined ? undefined : { controllers: availableIn(dir), delegated: isDelegated(dir) };
}
