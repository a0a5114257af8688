import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LaunchLimits } from '../../src/wire/guard.js';
import { asRoot, type Harness, type HarnessSession, startGuard } from '../helpers/guard-harness.js';
import { namespaceOf, statusOf, until } from '../helpers/processes.js';

let harness: Harness;
beforeAll(async () => {
  harness = startGuard();
  await harness.ready;
});
afterAll(() => harness.stop());

const MIB = 2 ** 20;
const CAP_SYS_RESOURCE = 1n << 24n;
/** Whether the guard may set limits of the session's processes once they run; a root in a container often may not. */
const MAY_CAP = !asRoot || (BigInt(`0x${statusOf(process.pid).CapEff?.trim()}`) & CAP_SYS_RESOURCE) !== 0n;
const run = (command: string, limits: Partial<LaunchLimits>, more = {}) =>
  harness.run(command, { limits: { nice: 0, ...limits }, ...more });

/** Host pids in the namespace of a session, its first process among them; zombies, too. */
function pidsOf(session: HarnessSession): number[] {
  const space = namespaceOf(session.asks[0]?.pid ?? 0);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => namespaceOf(pid) === space);
}

describe('a session starts with its limits, and what it starts inherits them', () => {
  test('all of them, hard as well as soft', async () => {
    const { output } = await run(
      'for x in S H; do for o in n d f c; do ulimit -$x -$o; done; done; ulimit -S -t; nice',
      { memory: 600 * MIB, openFiles: 2000, cpuSeconds: 77, fileSize: 10 * MIB, core: 0, nice: 7 },
    );
    const kib = String(600 * 1024);
    expect(output.split('\n').slice(0, -1)).toEqual(['1024', kib, '10240', '0', '2000', kib, '10240', '0', '77', '7']);
  });

  test('none of them can be raised again', async () => {
    const { output } = await run(
      'for o in "n 4000" "d 700000" "f unlimited" "c 5"; do ulimit -H -$o 2>/dev/null && echo raised $o; done; nice -n -5 nice 2>/dev/null',
      { memory: 600 * MIB, openFiles: 2000, fileSize: 10 * MIB, core: 0, nice: 7 },
    );
    expect(output).toBe('7\n');
  });

  test('without them a session has what the broker has', async () => {
    const { output } = await run('ulimit -d; ulimit -f; ulimit -t; nice', {});
    expect(output).toBe('unlimited\nunlimited\nunlimited\n0\n');
  });
});

test('a program that wants more memory than it may have gets none, and only that one', async () => {
  const { output } = await run(
    `python3 -c 'x = bytearray(400*2**20)' 2>&1 | tail -n 1; python3 -c 'x = bytearray(40*2**20); print("fits")'`,
    { memory: 200 * MIB },
  );
  expect(output).toBe('MemoryError\nfits\n');
});

test('a program that opens more files than it may fails at that', async () => {
  const { output } = await run(
    `ulimit -n 64; python3 -c 'import os
n = 0
try:
    while True: os.dup(0); n += 1
except OSError as e: print(e.errno, n < 64)'`,
    { openFiles: 64 },
  );
  expect(output).toBe('24 True\n');
});

test('a program that uses more CPU time than it may is ended, also when it ignores the first warning', async () => {
  const { output } = await run(
    `bash -c 'while :; do :; done'; echo $?; (trap "" XCPU; exec bash -c 'while :; do :; done'); echo $?`,
    { cpuSeconds: 1 },
  );
  // SIGXCPU, then SIGKILL.
  expect(output.match(/^\d+$/gm)).toEqual([String(128 + 24), String(128 + 9)]);
});

test('a file grows no further than it may', async () => {
  const { output } = await run('head -c 300000 /dev/zero > ~/big; echo $?; stat -c %s ~/big; rm ~/big', {
    fileSize: 100_000,
  });
  expect(output).toContain(`${128 + 25}\n99`.slice(0, 3));
  expect(output).toMatch(/\n(99840|98304|100000)\n/);
});

describe('one session has no more processes than it may', () => {
  const LIMIT = 60;
  const SLACK = 8 + Math.ceil(LIMIT / 8);
  /** Forks as fast as it can, and every child does so, too. */
  const BOMB = `python3 -c 'import os, time
end = time.time() + 2
while time.time() < end:
    try: os.fork()
    except OSError: time.sleep(0.01)'`;

  test('however fast it forks, and it is told so once', async () => {
    const session = await harness.launch({ command: BOMB, limits: { nice: 0, processes: LIMIT } });
    await until('it is full', () => session.full.length > 0);
    const seen: number[] = [];
    await until('it was looked at', () => seen.push(pidsOf(session).length) === 40);
    // Besides, of each at most one newborn that never ran, and one that nobody has waited for yet.
    expect(Math.max(...seen)).toBeLessThanOrEqual(3 * LIMIT + SLACK + 1);
    expect(Math.max(...seen)).toBeGreaterThan(LIMIT / 2);
    session.end();
    await session.gone;
    expect(session.full).toEqual([LIMIT]);
  });

  test('zombies counted, which report nothing when they are gone', async () => {
    const { output, session } = await run(
      `python3 -c 'import os
for n in range(500):
    print(n, flush=True)
    try:
        if os.fork() == 0: os._exit(0)
    except OSError as e: exit(print("error", e.errno))
' 2>/dev/null; for i in $(seq 200); do /bin/true; done; echo then 200 more`,
      { processes: LIMIT },
    );
    const counted = output.match(/^\d+$/gm) ?? [];
    expect(counted.length).toBeGreaterThan(LIMIT / 2);
    expect(counted.length).toBeLessThanOrEqual(LIMIT + SLACK + 2);
    expect(output).toMatch(MAY_CAP ? /\nerror 11\nthen 200 more\n/ : /\nthen 200 more\n/);
    expect(session.full).toHaveLength(1);
  });

  test('and works again once there is room', async () => {
    const { output } = await run(
      `for i in $(seq 200); do sleep 1000 & done 2>/dev/null & bomb=$!; sleep 1; kill $bomb; kill $(jobs -p) 2>/dev/null
pkill sleep; wait 2>/dev/null; until /bin/true 2>/dev/null; do :; done; /bin/echo again`,
      { processes: LIMIT },
    );
    expect(output).toMatch(/again\n$/);
  });

  test('threads counted', async () => {
    const { output } = await run(
      `python3 -c 'import threading, time
for n in range(500):
    print(n, flush=True)
    try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError: exit(print("refused"))
' 2>/dev/null; echo end`,
      { processes: LIMIT },
    );
    const counted = output.match(/^\d+$/gm) ?? [];
    expect(counted.length).toBeGreaterThan(LIMIT / 2);
    expect(counted.length).toBeLessThanOrEqual(LIMIT + SLACK + 2);
    expect(output).toMatch(MAY_CAP ? /\nrefused\nend\n/ : /\nend\n/);
  });

  test.runIf(MAY_CAP)('one that takes its cap off again is ended', async () => {
    const { output, session } = await run(
      `python3 -c 'import os, resource, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
for i in range(${LIMIT - 10}):
    if os.fork() == 0: time.sleep(3); os._exit(0)
while True:
    resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
    try:
        if os.fork() == 0: time.sleep(3); os._exit(0)
    except OSError: pass'; echo $?; pkill python3`,
      { processes: LIMIT },
    );
    expect(output).toContain(`${128 + 9}\n`);
    expect(session.full).toHaveLength(1);
  });

  test('while another of the same account has all of its own', async () => {
    const full = await harness.launch({ command: BOMB, limits: { nice: 0, processes: LIMIT } });
    await until('it is full', () => full.full.length > 0);
    const { output, session } = await run('for i in $(seq 30); do sleep 5 & done; jobs -p | wc -l; kill $(jobs -p)', {
      processes: LIMIT,
    });
    expect(output).toBe('30\n');
    expect(session.full).toEqual([]);
    full.end();
    await full.gone;
  });
});

describe('user namespaces', () => {
  const TRY = 'unshare -U true 2>&1; echo $?; unshare -Um true 2>/dev/null; echo $?';
  test('are denied', async () => {
    const { output } = await run(TRY, {});
    expect(output).toMatch(/not permitted\n1\n1\n$/);
  });
  test('can be made where the order says so, and no mounts in them', async () => {
    const { output } = await run(TRY, {}, { userNamespaces: true });
    expect(output).toBe('0\n1\n');
  });
});

test.runIf(asRoot && MAY_CAP)(
  'when memory runs out the kernel ends sessions before the broker (needs root and CAP_SYS_RESOURCE)',
  async () => {
    const { output } = await run(
      'cat /proc/self/oom_score_adj; echo 0 > /proc/self/oom_score_adj 2>/dev/null; cat /proc/self/oom_score_adj',
      {},
    );
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    const score = Math.min(1000, own + 300);
    expect(output).toBe(`${score}\n${score}\n`);
  },
);
