import { fdatasync } from 'node:fs';
import type { Clock, Timer } from '../core/clock.js';
import { watchStall } from './stall.js';

export interface SyncerOptions {
  fd: number;
  clock: Clock;
  periodMs: number;
  stallMs: number;
  onError(error: Error): void;
  /** A sync has not returned for `stallMs`. */
  onStall(): void;
}

/** Brings written bytes to the disk once a period while there are any, never two syncs at a time. */
export interface Syncer {
  /** Something was written. */
  touch(): void;
  /** No more timers; one last sync unless `skip`; resolves when no sync is under way. */
  finish(skip: boolean): Promise<void>;
}

export function createSyncer(options: SyncerOptions): Syncer {
  let dirty = false;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let finished = false;

  const run = () => {
    timer = undefined;
    dirty = false;
    running = syncOnce(options).then(() => {
      running = undefined;
      if (dirty && !finished) arm();
    });
  };
  const arm = () => {
    timer = options.clock.after(options.periodMs, run);
  };

  return {
    touch() {
      dirty = true;
      if (timer === undefined && running === undefined && !finished) arm();
    },
    async finish(skip) {
      finished = true;
      timer?.cancel();
      timer = undefined;
      await running;
      if (!skip && dirty) await syncOnce(options);
    },
  };
}

function syncOnce({ fd, clock, stallMs, onError, onStall }: SyncerOptions): Promise<void> {
  return new Promise((resolve) => {
    const stall = watchStall(clock, stallMs, onStall);
    fdatasync(fd, (error) => {
      stall.cancel();
      if (error) onError(error);
      resolve();
    });
  });
}
