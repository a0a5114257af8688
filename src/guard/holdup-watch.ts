import { readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { Cell } from './holdup-cells.js';

/** How often the first thread is looked at, ms, and how often in a row it must be found held up: before the keeper calls it stalled. */
const LOOK_MS = 150;
const LOOKS = 6;

/** Waits in the kernel, for something no signal ends. The name, in parentheses, may hold anything. */
const isHeld = (): boolean => / D [^)]*$/.test(readFileSync(`/proc/${process.pid}/stat`, 'latin1'));

function watch(cells: Int32Array): never {
  let work = 0;
  let looks = 0;
  for (;;) {
    Atomics.wait(cells, Cell.sleep, 0, LOOK_MS);
    const now = Atomics.load(cells, Cell.work);
    looks = now !== 0 && now === work && isHeld() ? looks + 1 : 0;
    work = now;
    const pid = Atomics.load(cells, Cell.pid);
    if (looks < LOOKS || pid === 0 || Atomics.load(cells, Cell.work) !== work) continue;
    Atomics.store(cells, Cell.ended, 1);
    kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}

if (workerData instanceof Int32Array) watch(workerData);
