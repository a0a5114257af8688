import { check, self } from './libc.js';

/**
 * What SIGCHLD does. Node's own handler writes to a pipe of its event loop, which costs some twenty system calls for
 * every process of a session; a tracer that waits in ppoll(2) only needs it to end the wait.
 */

const SIGCHLD = 17;
/** struct sigaction of glibc and musl: handler, mask, flags, restorer. */
const SIZE = 152;
const FLAGS_AT = 136;
const SA_RESTART = 0x1000_0000;

const sigaction = self.func('int sigaction(int, void *, void *)') as (
  signal: number,
  action: Buffer,
  former: Buffer | null,
) => number;

/** A function of one int that does nothing: as a handler it interrupts a wait, and no more. */
const nothing = self.symbol('abs') as bigint;

const plain = Buffer.alloc(SIZE);
plain.writeBigUInt64LE(nothing, 0);
plain.writeInt32LE(SA_RESTART, FLAGS_AT);
const saved = Buffer.alloc(SIZE);

/**
 * From here to `restoreChildSignal` SIGCHLD interrupts a wait and is told to nobody: look for reports after every wait,
 * and once more after the restoring.
 */
export function muteChildSignal(): void {
  check('sigaction', sigaction(SIGCHLD, plain, saved));
}

export function restoreChildSignal(): void {
  check('sigaction', sigaction(SIGCHLD, saved, null));
}
