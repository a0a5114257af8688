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
