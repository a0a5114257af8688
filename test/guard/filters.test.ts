import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startGuard } from '../helpers/guard-harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = startGuard();
  harness.decide(() => ({ allow: true }));
  await harness.ready;
});
afterAll(() => harness.stop());

/** A process may put a seccomp filter of its own over ours: `action` for one call number, everything else passes. */
const FILTER = `
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
code = lambda *steps: b"".join(struct.pack("<HBBI", *s) for s in steps)
def install(number, action, flags):
    steps = code((0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, action), (6, 0, 0, 0x7fff0000))
    text = ctypes.create_string_buffer(steps)
    program = struct.pack("<HxxxxxxQ", 4, ctypes.addressof(text))
    return libc.syscall(277 if os.uname().machine == "aarch64" else 317, 1, flags, ctypes.create_string_buffer(program))
`;
const py = (text: string) => `python3 - <<'EOF'\n${FILTER}${text}\nEOF`;

test('no filter of a session answers for itself, which would let an exec pass unseen', async () => {
  const { output } = await harness.run(py('print(install(59, 0x7fc00000, 8), ctypes.get_errno())'));
  expect(output).toBe('-1 1\n');
});

test('a call that is no exec is never taken for one', async () => {
  const { output, session } = await harness.run(
    py(`
getpid = 172 if os.uname().machine == "aarch64" else 39
install(getpid, 0x7ff00000, 0)  # handed to the tracer
argv = (ctypes.c_char_p * 3)(b"never", b"asked", None)
print(libc.syscall(getpid, b"/usr/bin/true", argv, None), ctypes.get_errno())`),
  );
  expect(output).toBe('-1 38\n');
  expect(session.asks.map((a) => a.argv[0])).toEqual(['python3']);
  expect(session.notes).toEqual([]);
});

test('what a shell under a broker never needs is refused, and no process hides from the guard', async () => {
  const { output } = await harness.run(
    py(`
x86 = os.uname().machine != "aarch64"
def refused(*call):
    ctypes.set_errno(0)
    return libc.syscall(*call) == -1 and ctypes.get_errno() == 1
calls = [101, 311, 323, 321, 298, 425, 438, 304, 175, 313, 246] if x86 else [117, 271, 282, 280, 241, 425, 438]
print([n for n in calls if not refused(n, 0, 0, 0, 0, 0)])
untraced = libc.syscall(56 if x86 else 220, 0x800000 | 17, 0, 0, 0, 0)
if untraced == 0: os._exit(0)
print(untraced)`),
  );
  expect(output).toBe('[]\n-1\n');
});
