import { Worker } from 'node:worker_threads';
import { CELLS, Cell } from './holdup-cells.js';

/**
 * A session can make the kernel hold the guard up, for instance in the lock of the memory it reads a call from, and with
 * it every other session. A second thread sees that, and ends the one: then the kernel lets go.
 */
export interface HoldUp {
  /** Work for a session begins; `pid` is whom to kill should it hold up, 0 for nobody. */
  begin(pid: number): void;
  /** True when it had to be ended. */
  done(): boolean;
}

export function createHoldUp(): HoldUp {
  const cells = new Int32Array(new SharedArrayBuffer(4 * CELLS));
  const watch = new Worker(new URL('./holdup-watch.js', import.meta.url), { workerData: cells });
  watch.unref();
  let work = 0;
  return {
    begin(pid) {
      work = (work + 1) | 0;
      cells[Cell.pid] = pid;
      Atomics.store(cells, Cell.work, work);
    },
    done() {
      Atomics.store(cells, Cell.work, 0);
      if (Atomics.load(cells, Cell.ended) === 0) return false;
      Atomics.store(cells, Cell.ended, 0);
      return true;
    },
  };
}
