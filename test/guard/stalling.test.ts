import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startGuard } from '../helpers/guard-harness.js';

/** What one session can make the guard wait for, every other session of the pair waits for; beats too. */
let harness: Harness;
beforeAll(async () => {
  harness = startGuard();
  harness.decide(() => ({ allow: true }));
  await harness.ready;
});
afterAll(() => harness.stop());

const py = (text: string) => `python3 - <<'EOF'\n${text}\nEOF`;

test('a lease on a program does not hold the guard: its exec is refused at once', async () => {
  const { output, session } = await harness.run(
    py(`
import fcntl, os, time
open("leased", "w").write("#!/bin/sh\\n"); os.chmod("leased", 0o755)
held = os.open("leased", os.O_RDWR)
fcntl.fcntl(held, 10, 23)  # F_SETSIG: a signal that ends nothing
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
began = time.monotonic()
try: os.execv("./leased", ["./leased"])
except PermissionError: print("refused", time.monotonic() - began < 1)`),
  );
  expect(output).toBe('refused True\n');
  expect(session.notes).toMatchObject([{ kind: 'unnamed' }]);
});

test('an environment is read in few pieces, or not at all', async () => {
  const { output } = await harness.run(
    py(`
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
text = ctypes.create_string_buffer(3 * 4096)
edge = ctypes.addressof(text) + 4095 & ~4095
ctypes.memset(edge, 65, 8000)
def errno(address):
    libc.execve(b"/nowhere", None, (ctypes.c_void_p * 60001)(*[address] * 60000, None))
    return ctypes.get_errno()
print(errno(edge), errno(edge + 4095))`),
  );
  // Not there, as the kernel says; too long, where every word lies across two pages.
  expect(output).toBe('2 7\n');
});

/** Address space of `gigabytes`, with page tables for all of it and no memory: changing it takes the kernel long. */
const wide = (gigabytes: number) => `
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
size = ctypes.c_size_t(${gigabytes} << 30)
libc.prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE
area = ctypes.c_void_p(libc.mmap(None, size, 1, 0x4022, -1, ctypes.c_long(0)))
if libc.madvise(area, size, 22) != 0: print("no MADV_POPULATE_READ")
`;

test('work without end does not keep beats waiting', { timeout: 60_000 }, async () => {
  const before = harness.beats();
  const { output } = await harness.run(
    py(`
import os, time
until = time.monotonic() + 15
for _ in range(100):
    if os.fork() == 0:
        while time.monotonic() < until:
            if os.fork() == 0:
                try: os.execv("/bin/true", ["true"] + ["x"] * 60000)
                finally: os._exit(1)
            os.wait()
        os._exit(0)
for _ in range(100): os.wait()
print("done")`),
  );
  expect(output).toBe('done\n');
  // Thirty, were nothing else to do; of a guard that lets its work pile up a dozen.
  expect(harness.beats() - before).toBeGreaterThan(18);
});

/** Sixty threads take the lock of their memory in turn, each for long, while a process that shares it execs. */
const LOCKS = `
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
static char *area, stack[65536];
static size_t size = (size_t)16 << 30;
static volatile int go;
static void *flip(void *x) {
  while (!go) usleep(1000);
  for (;;) { mprotect(area, size, PROT_NONE); mprotect(area, size, PROT_READ); }
}
static int child(void *x) {
  char *argv[] = {"true", 0};
  go = 1;
  usleep(500000);
  execv("/bin/true", argv);
  _exit(1);
}
int main(void) {
  pthread_t t;
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  area = mmap(0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  madvise(area, size, 22);
  for (int i = 0; i < 60; i++) pthread_create(&t, 0, flip, 0);
  clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK, 0);
  sleep(100);
}`;

test('who keeps the memory of a program locked that the guard must read is ended, and nobody else', {
  timeout: 60_000,
}, async () => {
  const neighbour = await harness.launch({ command: 'read line; /bin/true && echo fine' });
  const { session } = await harness.run(`cat > lock.c <<'EOF'
${LOCKS}
EOF
gcc -o lock lock.c -lpthread && exec ./lock`);
  expect(session.notes.map(({ kind }) => kind)).toContain('held-up');
  neighbour.type('go\n');
  await neighbour.shows('fine');
});

test('a program with page tables beyond what can be waited for starts nothing', { timeout: 60_000 }, async () => {
  const { output, session } = await harness.run(
    py(`${wide(40)}
try: os.execv("/bin/true", ["true"])
except PermissionError: print("refused")`),
  );
  expect(output).toBe('refused\n');
  expect(session.notes).toMatchObject([{ kind: 'unreadable' }]);
});

test('a child whose parent was killed before it could announce it does not stay, whoever its parent is then', {
  timeout: 60_000,
}, async () => {
  const { output } = await harness.run(`python3 - <<'EOF'
import ctypes, glob, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
def stopped():
    n = 0
    for path in glob.glob("/proc/[0-9]*/status"):
        try: n += "State:\tt" in open(path).read()
        except OSError: pass
    return n
most = 0
for i in range(150):
    forker = os.fork()
    if forker == 0:
        while True:
            if os.fork() == 0: os._exit(0)
            try: os.waitpid(-1, os.WNOHANG)
            except OSError: pass
    time.sleep(0.004 + i % 23 * 0.0001)
    os.kill(forker, 9)
    os.waitpid(forker, 0)
time.sleep(0.5)
began = stopped()
for _ in range(200):
    if stopped() == 0: break
    time.sleep(0.1)
print("some" if began else "none", stopped())
EOF`);
  expect(output).toBe('some 0\n');
});
