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
  expect(session.notes).toMatchObject([{ kind: 'refused' }]);
});

test('an environment of many words costs no more than one of a few pages', async () => {
  const { output } = await harness.run(
    py(`
import ctypes, time
libc = ctypes.CDLL(None)
text = ctypes.create_string_buffer(3 * 4096)
edge = ctypes.addressof(text) + 4095 & ~4095
ctypes.memset(edge, 65, 8000)
def cost(address):
    env = (ctypes.c_void_p * 60001)(*[address] * 60000, None)
    began = time.monotonic()
    for _ in range(3): libc.execve(b"/nowhere", None, env)
    return (time.monotonic() - began) / 3
print(cost(edge) < 0.15, cost(edge + 4095) < 0.15)`),
  );
  expect(output).toBe('True True\n');
});
