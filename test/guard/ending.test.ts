import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pidfdSignal } from '../../src/os/process.js';
import { type Harness, type HarnessSession, startGuard, survivors } from '../helpers/guard-harness.js';
import { notLater } from '../helpers/until.js';

/** Everything a session can do to outlive its end. */
const STUBBORN = [
  'trap "" HUP TERM INT QUIT',
  'nohup sleep 1000 >/dev/null 2>&1 &',
  'setsid sleep 1001 &',
  '(setsid sh -c "trap \\"\\" HUP TERM; (sleep 1002 & sleep 1003) &" &)',
  'sleep 1004 & kill -STOP $!',
  'bash -c "trap \\"\\" HUP TERM; while :; do sleep 1; done" &',
  'echo up=$((40+2))',
].join('\n');

async function stubborn(harness: Harness): Promise<HarnessSession> {
  const session = await harness.launch();
  session.type(`${STUBBORN}\n`);
  await session.shows('up=42');
  await new Promise((ok) => setTimeout(ok, 200));
  expect(survivors(session.sid).length).toBeGreaterThan(6);
  return session;
}

async function nothingLeft(sid: string): Promise<void> {
  const until = Date.now() + 3_000;
  while (survivors(sid).length > 0 && Date.now() < until) await new Promise((ok) => setTimeout(ok, 10));
  expect(survivors(sid)).toEqual([]);
}

for (const gate of ['exec', 'line-only'] as const) {
  describe(`nothing outlives a session, gate ${gate}`, () => {
    let harness: Harness;
    beforeAll(async () => {
      harness = startGuard({ gate });
      await harness.ready;
    });
    afterAll(() => harness.stop());

    test('ended by the door', async () => {
      const session = await stubborn(harness);
      session.end();
      await session.gone;
      expect(survivors(session.sid)).toEqual([]);
    });

    test('ended by the keeper', async () => {
      const session = await stubborn(harness);
      harness.toGuard({ type: 'end', sid: session.sid });
      await session.gone;
      expect(survivors(session.sid)).toEqual([]);
    });

    test('ended by the pidfd alone', async () => {
      const session = await stubborn(harness);
      pidfdSignal(session.pidfd, 9);
      await session.gone;
      expect(survivors(session.sid)).toEqual([]);
    });

    test('ended by its own shell`s exit', async () => {
      const session = await stubborn(harness);
      // The first is answered with a word about stopped jobs.
      session.type('exit 4\nexit 4\n');
      expect(await session.exited).toEqual({ code: 4 });
      await session.gone;
      expect(survivors(session.sid)).toEqual([]);
    });

    test('past its deadline', async () => {
      const session = await harness.launch({ deadline: Date.now() - 4_500 });
      await session.gone;
      expect(survivors(session.sid)).toEqual([]);
    });
  });

  describe(`nothing outlives a process of ours, gate ${gate}`, () => {
    let harness: Harness;
    afterEach(() => harness.stop());
    const ways: Record<string, (h: Harness, s: HarnessSession) => void> = {
      'the guard killed': (h) => void h.child.kill('SIGKILL'),
      'the door`s link closed': (h) => h.closeDoor(),
      'the keeper`s link closed': (h) => h.closeKeeper(),
      'the isolating program killed': (h) => {
        for (const pid of childrenOf(h.child.pid ?? 0)) process.kill(pid, 'SIGKILL');
      },
    };
    for (const [way, act] of Object.entries(ways)) {
      test(way, async () => {
        harness = startGuard({ gate });
        await harness.ready;
        const session = await stubborn(harness);
        act(harness, session);
        await nothingLeft(session.sid);
      });
    }
  });
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

test('output of what an exec left behind is not lost', async () => {
  const harness = startGuard();
  await harness.ready;
  const { output } = await harness.run('echo early > >(sleep 0.3; cat; echo late)');
  expect(output).toContain('early');
  expect(output).toContain('late');
  const began = Date.now();
  await harness.run('sleep 100 >/dev/null 2>&1 &');
  notLater(Date.now() - began, 900);
  await harness.stop();
});

test('an exec from a thread of the command itself is not its end', async () => {
  const harness = startGuard();
  await harness.ready;
  const { status, output } = await harness.run(
    `exec python3 -c 'import os, threading
t = threading.Thread(target=lambda: os.execv("/bin/sh", ["sh", "-c", "echo on; exit 9"])); t.start(); t.join()'`,
    { pty: { term: 'dumb', cols: 80, rows: 24 } },
  );
  expect(output).toContain('on');
  expect(status).toEqual({ code: 9 });
  await harness.stop();
});

test('nor is the exit of its first thread alone', async () => {
  const harness = startGuard();
  await harness.ready;
  const { status, output } = await harness.run(
    `exec python3 -c 'import ctypes, os, threading, time
def late(): time.sleep(0.3); os.write(1, b"late"); os._exit(4)
threading.Thread(target=late).start(); ctypes.CDLL(None).syscall(93 if os.uname().machine == "aarch64" else 60, 7)'`,
    { pty: { term: 'dumb', cols: 80, rows: 24 } },
  );
  expect(output).toContain('late');
  expect(status).toEqual({ code: 4 });
  await harness.stop();
});
