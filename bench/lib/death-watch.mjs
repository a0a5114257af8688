/**
 * A process that waits for deaths: one JSON array of pids a line comes in, `{pids, at}` lines go out, `at` on the
 * monotonic clock in ms. It sleeps in poll(2) on pidfds, so watching costs nothing and is told at once.
 */

import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const SYS_PIDFD_OPEN = 434;
const POLLIN = 1;
/** struct pollfd: int fd, short events, short revents. A negative fd is passed over. */
const ENTRY = 8;
const MAX_WATCHED = 8192;
/** ms; between two polls new orders are read. */
const SLICE = 20;

const libc = koffi.load('libc.so.6');
const syscall = libc.func('long syscall(long number, long pid, long flags)');
const poll = libc.func('int poll(void *fds, ulong count, int timeout)');
const close = libc.func('int close(int fd)');

const entries = Buffer.alloc(ENTRY * MAX_WATCHED);
const watched = [];
let alive = 0;

const now = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

function watch(pid) {
  const fd = Number(syscall(SYS_PIDFD_OPEN, pid, 0));
  if (fd < 0) return tell({ pids: [pid], at: now() });
  const slot = alive === 0 ? 0 : watched.length;
  if (slot === 0) watched.length = 0;
  watched.push(pid);
  entries.writeInt32LE(fd, slot * ENTRY);
  entries.writeInt16LE(POLLIN, slot * ENTRY + 4);
  alive += 1;
}

function turn() {
  if (alive > 0 && poll(entries, watched.length, SLICE) > 0) collect(now());
  if (alive > 0) setImmediate(turn);
  else setTimeout(turn, 1);
}

function collect(at) {
  const dead = [];
  for (let slot = 0; slot < watched.length; slot++) {
    const fd = entries.readInt32LE(slot * ENTRY);
    if (fd < 0 || entries.readInt16LE(slot * ENTRY + 6) === 0) continue;
    dead.push(watched[slot]);
    entries.writeInt32LE(-1, slot * ENTRY);
    close(fd);
  }
  alive -= dead.length;
  tell({ pids: dead, at });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { pids, id } = JSON.parse(line);
  for (const pid of pids) watch(pid);
  tell({ watching: id });
});
process.stdin.on('end', () => process.exit());
turn();
