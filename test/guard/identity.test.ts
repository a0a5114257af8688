import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecAsk } from '../../src/wire/guard.js';
import { type Harness, startGuard, testAccount, type Verdict } from '../helpers/guard-harness.js';

/** docs/exec-gate.md, row by row: every way to an exec, and everything that could change between question and start. */
const has = (program: string) => existsSync(join('/usr/bin', program));
const SOURCE = readFileSync(fileURLToPath(new URL('../fixtures/exec-ways.c', import.meta.url)), 'utf8');
const FLIP_MS = 1_500;

let harness: Harness;
beforeAll(async () => {
  harness = startGuard();
  await harness.ready;
  if (has('gcc')) await harness.run(`cat > w.c <<'EOF'\n${SOURCE}\nEOF\ngcc -o ways w.c -lpthread`);
}, 60_000);
afterAll(() => harness.stop());

const home = () => join(harness.home, 'homes', testAccount.name);
let places = 0;
/** A directory of its own for what a test does; `$H` is the account's home in its commands. */
async function run(command: string) {
  places += 1;
  const place = `p${places}`;
  const ran = await harness.run(`H=$PWD; mkdir ${place}; cd ${place}; ${command}`);
  return { ...ran, place: join(home(), place) };
}
const kept = (place: string) => existsSync(join(place, 'victim'));
/** As a deny row does: by any name the file has. */
const deny =
  (name: string) =>
  ({ program }: ExecAsk): Verdict => ({ allow: !program.names.includes(name) });
const LOADER = '$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null)';
const py = (text: string) => `python3 - <<'EOF'\nimport os, shutil\n${text}\nEOF`;

describe('a denied program under another name is still that program:', () => {
  const ways: Record<string, string> = {
    'a copy': 'cp /usr/bin/rm x; ./x victim',
    'a copy with more behind it': 'cp /usr/bin/rm x; echo more >> x; ./x victim',
    'a copy in memory': 'cp /usr/bin/rm /dev/shm/x; /dev/shm/x victim',
    'a hard link': 'ln /usr/bin/rm x || cp /usr/bin/rm x; ./x victim',
    'a hard link of a copy': 'cp /usr/bin/rm a; ln a x; ./x victim',
    'a memory file': py(`fd = os.memfd_create("x"); os.write(fd, open("/usr/bin/rm", "rb").read())
os.execve(fd, ["x", "victim"], {})`),
    'a deleted file': py(`shutil.copy("/usr/bin/rm", "x"); fd = os.open("x", 0); os.unlink("x")
os.execve(fd, ["x", "victim"], {})`),
    'a file that never had a name': py(`fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o700)
os.write(fd, open("/usr/bin/rm", "rb").read()); again = os.open(f"/proc/self/fd/{fd}", 0); os.close(fd)
os.execve(f"/proc/self/fd/{again}", ["x", "victim"], {})`),
    'a copy as an interpreter': `cp /usr/bin/rm x; printf "#!$PWD/x\\n" > s; chmod +x s; ./s victim`,
    'a copy that only its owner may run': 'cp /usr/bin/rm x; chmod 111 x; ./x victim',
    'a copy for the loader': `cp /usr/bin/rm x; ${LOADER} ./x victim`,
    'the program for a copy of the loader': `cp ${LOADER} x; ./x /usr/bin/rm victim`,
  };
  test.each(Object.entries(ways))('%s', async (_way, command) => {
    harness.decide(deny('rm'));
    const { session, place } = await run(`touch victim; ${command}; true`);
    expect(kept(place)).toBe(true);
    const named = session.asks.filter((a) => a.program.names.includes('rm'));
    expect(named.length + session.notes.length).toBeGreaterThan(0);
    expect(session.notes.map((n) => n.kind).filter((kind) => kind === 'mismatch')).toEqual([]);
  });

  test('a copy of a script', async () => {
    harness.decide(deny('zgrep'));
    const { output } = await run('cp /usr/bin/zgrep x; ./x --version; echo status=$?');
    expect(output).toMatch(/status=126\n/);
  });

  test('while a program of the account`s own is nobody`s twin, and is asked about by its own names alone', async () => {
    harness.decide(deny('rm'));
    const { output, session } = await run(
      `printf '#!/bin/sh\\necho mine\\n' > tool; chmod +x tool; ./tool; [ ! -e $H/ways ] || $H/ways spawn /usr/bin/printf %s built`,
    );
    expect(output).toContain('mine\n');
    if (has('gcc')) expect(output).toContain('built');
    const own = session.asks.filter((a) => /\/(tool|ways)$/.test(a.program.path));
    for (const { program } of own) expect(program).toMatchObject({ names: [program.path.split('/').at(-1)] });
  });
});

test.runIf(has('busybox'))('a copy of busybox is busybox, whatever it is asked to be', async () => {
  harness.decide(() => ({ allow: true }));
  const { session } = await run('cp $(command -v busybox) x; ./x true');
  expect(session.asks.find((a) => a.argv[0] === './x')?.program.names).toEqual(['x', 'busybox']);
});

describe.runIf(has('gcc'))('a denied program is caught on every road to an exec:', () => {
  const roads = ['vfork', 'clone', 'spawn', 'thread', 'empty', 'dirfd', 'self-fd', 'memfd', 'unlinked'];
  test.each(roads)('%s', async (road) => {
    harness.decide(deny('rm'));
    const { session, output, place } = await run(
      `touch victim; $H/ways ${road} /usr/bin/rm victim; $H/ways ${road} /usr/bin/printf 'ran %s\\n' ${road}`,
    );
    expect(kept(place)).toBe(true);
    expect(session.asks.filter((a) => a.program.names.includes('rm'))).not.toEqual([]);
    // The same road leads to what is allowed.
    expect(output).toContain(`ran ${road}\n`);
  });

  test('a static program is one like any other', async () => {
    harness.decide(deny('rm'));
    const { output, session, place } = await run(
      `gcc -static -o still $H/w.c -lpthread 2>/dev/null && touch victim && ./still vfork /usr/bin/rm victim; ./still spawn /usr/bin/printf still`,
    );
    expect(kept(place)).toBe(true);
    expect(output).toContain('still');
    expect(session.asks.map((a) => a.argv[0])).toEqual(expect.arrayContaining(['./still', '/usr/bin/rm']));
  });
});

/** Makes a file `ran32` by 32-bit calls: creat(2) and exit(2), for i386 and for arm. */
const THIRTY_TWO = `
import os, struct
arm = os.uname().machine == "aarch64"
base = 0x10000 if arm else 0x8048000
at = base + 84
if arm:
    code = struct.pack("<7I", 0xe28f0014, 0xe3a01d07, 0xe3a07008, 0xef000000, 0xe3a00000, 0xe3a07001, 0xef000000)
else:
    code = b"\\xb8\\x08\\0\\0\\0\\xbb" + struct.pack("<I", at + 31) + b"\\xb9\\xc0\\x01\\0\\0\\xcd\\x80\\xb8\\x01\\0\\0\\0\\x31\\xdb\\xcd\\x80"
    code = code.ljust(31, b"\\x90")
image = code + b"ran32\\0"
head = b"\\x7fELF\\x01\\x01\\x01" + bytes(9) + struct.pack("<2H5I6H", 2, 40 if arm else 3, 1, at, 52, 0, 0x5000200 if arm else 0, 52, 32, 1, 0, 0, 0)
part = struct.pack("<8I", 1, 0, base, base, 84 + len(image), 84 + len(image), 5, 4096)
open("small", "wb").write(head + part + image); os.chmod("small", 0o755)
`;

test('a 32-bit program is refused, with a word why', async () => {
  harness.decide(() => ({ allow: true }));
  const { output, session, place } = await run(`${py(THIRTY_TWO)}\n./small; echo status=$?`);
  expect(existsSync(join(place, 'small'))).toBe(true);
  expect(existsSync(join(place, 'ran32'))).toBe(false);
  expect(output).toMatch(/status=126\n/);
  expect(session.notes).toMatchObject([{ kind: 'narrow', argv: ['./small'] }]);
});

describe('scripts', () => {
  test('a chain of interpreters is decided link by link, the last one too', async () => {
    harness.decide(() => ({ allow: true }));
    const { output, session } = await run(
      `printf '#!/bin/sh\\necho in-$# $*\\n' > i; printf '#!%s\\n' $PWD/i > s; chmod +x i s; ./s one`,
    );
    expect(output).toMatch(/in-2 \.\/s one\n/);
    expect(session.asks.filter((a) => a.script).map((a) => [a.part, a.program.path.split('/').at(-1)])).toEqual(
      [
        ['program', 's'],
        ['interpreter', 'i'],
        ['interpreter', 'dash'],
      ].map(([part, name]) => [part, name === 'dash' ? expect.stringMatching(/sh$/) : name]),
    );
  });

  test('a relative interpreter is found where the kernel finds it', async () => {
    harness.decide(deny('rm'));
    const { session, place } = await run(
      `touch victim; cp /usr/bin/rm here; printf '#!here\\n' > s; chmod +x s; ./s victim`,
    );
    expect(kept(place)).toBe(true);
    expect(session.asks.some((a) => a.part === 'interpreter' && a.program.names.includes('rm'))).toBe(true);
  });

  test('a chain beyond the kernel`s bound fails as it does without a gate', async () => {
    harness.decide(() => ({ allow: true }));
    const { output, session } = await run(
      `printf '#!/bin/sh\\n' > s0; for i in 1 2 3 4 5 6 7; do printf '#!%s/s%d\\n' $PWD $((i-1)) > s$i; done; chmod +x s?; env ./s7; echo status=$?`,
    );
    expect(output).toMatch(/status=126\n/);
    expect(session.notes).toEqual([]);
  });
});

describe('the loader', () => {
  test.each([
    ['--argv0 true'],
    ['--preload /nothing.so'],
    ['--library-path /nowhere:/lib/x86_64-linux-gnu:/lib/aarch64-linux-gnu'],
    ['--inhibit-cache'],
    ['--'],
  ])('with %s, what it loads is decided', async (options) => {
    harness.decide(deny('rm'));
    const { session, place } = await run(`touch victim; ${LOADER} ${options} /usr/bin/rm victim; true`);
    expect(kept(place)).toBe(true);
    expect(session.asks.find((a) => a.part === 'loaded')?.argv).toEqual(['/usr/bin/rm', 'victim']);
  });

  test('what it is told to load beside a program counts as a hook', async () => {
    harness.decide(() => ({ allow: true }));
    const { session } = await run(`${LOADER} --preload /nothing.so --audit /none.so /usr/bin/true; true`);
    expect(session.asks.find((a) => a.part === 'loaded')?.hooks).toEqual(['LD_PRELOAD', 'LD_AUDIT']);
  });

  test.runIf(has('gcc'))('only looks at a program or a library of the account`s, as ldd has it do', async () => {
    harness.decide(() => ({ allow: true }));
    const { output, session } = await run(
      `echo 'int puts(const char *); int mine(void) { return puts("x"); }' > l.c; gcc -shared -fPIC -o libmine.so l.c; ldd $H/ways ./libmine.so; ${LOADER} --list $H/ways`,
    );
    expect(output.match(/libc\.so\.6 => /g)).toHaveLength(3);
    expect(session.notes).toEqual([]);
  });

  test('loads nothing that could be another file by the time it is opened', async () => {
    harness.decide(() => ({ allow: true }));
    const { output, session } = await run(
      `cp /usr/bin/true x; ln -s /usr/bin/true l; for f in ./x $PWD/l true; do ${LOADER} $f; echo status=$?; done; ${LOADER} /usr/bin/true && echo ran`,
    );
    expect(output.match(/status=126/g)).toHaveLength(3);
    expect(output).toContain('ran\n');
    expect(session.notes.map((n) => n.kind)).toEqual(['unsteady', 'unsteady', 'unnamed']);
  });
});

describe.runIf(has('gcc'))(
  'what was approved is what runs, or nothing runs, while it is changed as fast as can be:',
  () => {
    const touch = '/usr/bin/touch';
    const races: [string, string, (ask: ExecAsk) => boolean][] = [
      ['the path, by a thread', `flip-path thread ${FLIP_MS} /usr/bin/true ${touch} x evil`, () => false],
      ['the path, by a process', `flip-path process ${FLIP_MS} /usr/bin/true ${touch} x evil`, () => false],
      ['a link', `flip-link process ${FLIP_MS} /usr/bin/true ${touch} x evil`, () => false],
      ['two names', `flip-name process ${FLIP_MS} /usr/bin/true ${touch} x evil`, () => false],
      ['the content', `flip-content process ${FLIP_MS} /usr/bin/true ${touch} x evil`, () => false],
      ['argv, by a thread', `flip-argv thread ${FLIP_MS} fine evil ${touch} x`, (a) => a.argv[1] === 'fine'],
      ['argv, by a process', `flip-argv process ${FLIP_MS} fine evil ${touch} x`, (a) => a.argv[1] === 'fine'],
      ['argv, through /proc/PID/mem', `flip-mem process ${FLIP_MS} fine evil ${touch} x`, (a) => a.argv[1] === 'fine'],
    ];
    test.each(races)('%s', { timeout: 60_000 }, async (_what, command, touches) => {
      harness.decide((ask) => ({ allow: !ask.program.names.includes('touch') || touches(ask) }));
      const { output, place } = await run(`$H/ways ${command}`);
      const { ran, killed, refused } = tally(output);
      // It was a race: some rounds went well, and the others were stopped.
      expect(ran).toBeGreaterThan(0);
      expect(killed + refused).toBeGreaterThan(0);
      expect(readdirSync(place).filter((name) => !['x', 'y', 'next', 'fine'].includes(name))).toEqual([]);
    });
  },
);

/** SECURITY.md says so: what is written into a program that runs keeps the program's word, and no more. */
test.runIf(has('gcc')).each(['checked', 'none', 'trusted'] as const)(
  'code written into an approved program gains nothing under checked and none (%s)',
  async (children) => {
    harness.decide((ask) => {
      if (ask.argv[0] === '/usr/bin/sleep') return { allow: true, children };
      return { allow: ask.children !== 'none' && !ask.program.names.includes('rm') };
    });
    const { output, session, place } = await run('touch victim; $H/ways inject /usr/bin/sleep 1.5; echo status=$?');
    expect(output).toMatch(/status=77\n/);
    expect(kept(place)).toBe(true);
    const asked = session.asks.find((a) => a.program.names.includes('rm'));
    expect(asked).toMatchObject({ children, parent: ['/usr/bin/sleep', '1.5'] });
  },
);

const BINFMT = '/proc/sys/fs/binfmt_misc';
const register = join(BINFMT, 'register');
const mounted = existsSync(register);
const binfmt =
  process.getuid?.() === 0 && (mounted || spawnSync('mount', ['-t', 'binfmt_misc', 'none', BINFMT]).status === 0);
afterAll(() => void (binfmt && !mounted && spawnSync('umount', [BINFMT])));

test.runIf(binfmt)(
  'what binfmt_misc makes of a file is not what was approved (needs root and binfmt_misc)',
  async () => {
    const name = `sallyport-${process.pid}`;
    try {
      writeFileSync(register, `:${name}:M::SALLY${process.pid}::/usr/bin/touch:`);
      harness.decide(() => ({ allow: true }));
      const { session, place } = await run(`printf SALLY${process.pid} > x; chmod +x x; ./x made; true`);
      expect(existsSync(join(place, 'made'))).toBe(false);
      expect(session.notes.map((n) => n.kind)).toEqual(['mismatch']);
    } finally {
      writeFileSync(join(BINFMT, name), '-1');
      spawnSync('umount', [BINFMT]);
    }
  },
);

function tally(text: string) {
  const [, ran = 0, killed = 0, refused = 0] = (text.match(/\d+/g) ?? []).map(Number);
  return { ran, killed, refused };
}
