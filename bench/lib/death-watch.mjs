/**
 * A process that waits for deaths: one JSON array of pids a line comes in, `{pid, at}` lines go out, `at` on the
 * monotonic clock in ms. It sleeps in poll(2) on pidfds, so watching costs nothing and is told at once.
 */

import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const SYS_PIDFD_OPEN = 434;
const POLLIN = 1;
/** ms; between two polls new orders are read. */
const SLICE = 20;

const libc = koffi.load('libc.so.6');
koffi.struct('pollfd', { fd: 'int', events: 'short', revents: 'short' });
const syscall = libc.func('long syscall(long number, long pid, long flags)');
const poll = libc.func('int poll(_Inout_ pollfd *fds, ulong count, int timeout)');
const close = libc.func('int close(int fd)');

const watched = new Map();
const now = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

function watch(pid) {
  const fd = Number(syscall(SYS_PIDFD_OPEN, pid, 0));
  if (fd < 0) tell({ pid, at: now() });
  else watched.set(fd, pid);
}

function turn() {
  if (watched.size > 0) collect([...watched.keys()].map((fd) => ({ fd, events: POLLIN, revents: 0 })));
  if (watched.size > 0) setImmediate(turn);
  else setTimeout(turn, 1);
}

function collect(fds) {
  const count = poll(fds, fds.length, SLICE);
  if (count <= 0) return;
  const at = now();
  for (const { fd, revents } of fds) {
    if (revents === 0) continue;
    tell({ pid: watched.get(fd), at });
    watched.delete(fd);
    close(fd);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { pids, id } = JSON.parse(line);
  for (const pid of pids) watch(pid);
  tell({ watching: id });
});
process.stdin.on('end', () => process.exit());
turn();
