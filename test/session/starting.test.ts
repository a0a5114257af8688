import { expect, it } from 'vitest';
import type { Rights, RightsData } from '../../src/policy/types.js';
import type { Recorder } from '../../src/record/index.js';
import type { ClientPort, LiveRights, ProgramPort, Started } from '../../src/session/index.js';
import { createWheel, openSession } from '../../src/session/index.js';
import type { Admitted, Deadlines } from '../../src/wire/types.js';
import { FakeClock } from '../helpers/fake-clock.js';

const turns = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

/** A session whose launch a test completes when it likes. */
function scene(isNewest = true) {
  const clock = new FakeClock();
  const shown: string[] = [];
  const exits: unknown[] = [];
  const on: { close?: () => void } = {};
  let destroyed = 0;
  const client = {
    onInput() {},
    onInputEnd() {},
    onDrain() {},
    onResize() {},
    onClose: (fn: () => void) => {
      on.close = fn;
    },
    writeOut: (chunk: Buffer) => shown.push(chunk.toString()) > 0,
    writeErr: (chunk: Buffer) => shown.push(chunk.toString()) > 0,
    exit: (status: unknown) => void exits.push(status),
    close() {},
    destroy() {
      destroyed += 1;
    },
  } as unknown as ClientPort;
  const program = {
    onOutput() {},
    onDrain() {},
    resumeOutput() {},
    pauseOutput() {},
    drain: async () => {},
    close() {},
  } as unknown as ProgramPort;
  const recorder = { output: () => true, close: async () => {} } as unknown as Recorder;
  const deadlines: Deadlines = {
    idleMs: 3_600_000,
    hardAt: clock.now() + 7_200_000,
    hardCause: 'deadline',
    warnMs: [],
    recheckMs: 1_000,
  };
  const rights: LiveRights = {
    decide: () => ({ allow: true, why: 'rule', children: 'checked' }),
    current: () => ({ data: { holdings: [], rows: [], facts: {} } }) as unknown as Rights,
    replace: async () => isNewest,
  };
  let launched: (parts: Started) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const session = openSession({
    admitted: { id: 's', kind: 'exec', gate: 'exec', deadlines, startedAt: clock.now() } as unknown as Admitted,
    pty: undefined,
    client,
    clock,
    wheel: createWheel(clock),
    rights,
    lookup: {} as never,
    supervisor: {
      ...{ end() {}, endPrograms() {}, verdict() {}, hold() {}, prove: async () => ({ ok: false, left: 0 }) },
      ...{ ask: async () => ({}), withdraw() {} },
      gone: Promise.resolve(),
      decisions() {},
    },
    start: () =>
      new Promise((resolve, reject) => {
        launched = resolve;
        fail = reject;
      }),
  });
  const launch = () => launched({ program, record: () => recorder, discard() {} });
  const change = (hardAt: number) =>
    session.applyRights({} as RightsData, 2, { ...deadlines, hardAt }, { cause: 'deadline', because: '' });
  return { clock, session, shown, exits, on, launch, fail: (e: Error) => fail(e), change, destroyed: () => destroyed };
}

it('a deadline that moved while the session was started is the one it ends at', async () => {
  const { clock, session, launch, change, shown } = scene();
  expect((await change(clock.now() + 60_000)).outcome).toBe('changed');
  launch();
  await turns();
  await clock.advanceAsync(60_000);
  expect(await session.ended).toMatchObject({ cause: 'deadline' });
  expect(shown.join('')).toContain('session closed: deadline');
});

it('terms that come late never replace newer ones', async () => {
  const { clock, session, launch, change } = scene(false);
  launch();
  await turns();
  await change(clock.now() + 60_000);
  await clock.advanceAsync(61_000);
  await turns();
  session.end('killed');
  expect(await session.ended).toMatchObject({ cause: 'killed' });
});

it('a client that leaves at the end is not held on to', async () => {
  const { session, launch, on, destroyed } = scene();
  launch();
  await turns();
  session.end('killed');
  await session.ended;
  await turns();
  expect(destroyed()).toBe(0);
  on.close?.();
  await turns();
  expect(destroyed()).toBe(1);
});

it('who is shown out before it began hears it safely, and is told as at any other end', async () => {
  const { session, fail, shown, exits } = scene();
  session.end('locked', 'lost');
  fail(new Error('session closed: locked (lost \u001b]0;x\u0007)'));
  expect(await session.ended).toMatchObject({ cause: 'locked', reason: 'lost' });
  expect(shown).toEqual(['sallyport: session closed: locked (lost \\e]0;x\\x07)\n']);
  expect(exits).toEqual([{ code: 254 }]);
});
