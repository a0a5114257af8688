import { addressOf, check, self } from './libc.js';

const CLOCK_BOOTTIME = 7;
const clockGettime = self.func('int clock_gettime(int, void *)') as (clock: number, into: Buffer | number) => number;
const timespec = Buffer.alloc(16);
const address = addressOf(timespec);

/** Boot time in ms, which counts suspend: the `boot` of `systemClock`. */
export function bootTimeMs(): number {
  check('clock_gettime', clockGettime(CLOCK_BOOTTIME, address));
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6;
}
