import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecAsk } from '../../src/wire/guard.js';
import { type Harness, type HarnessSession, startGuard, survivors } from '../helpers/guard-harness.js';
import { until } from '../helpers/processes.js';

let harness: Harness;
beforeAll(async () => {
  harness = startGuard();
  await harness.ready;
});
afterAll(() => harness.stop());

const askFor = (session: HarnessSession, word: string): ExecAsk => {
  const ask = session.asks.find((a) => a.argv.includes(word) && a.part === 'program');
  if (!ask) throw new Error(`nobody asked for ${word}`);
  return ask;
};

type News<T extends HarnessSession['programs'][number]['type']> = Extract<
  HarnessSession['programs'][number],
  { type: T }
>;

async function heard<T extends HarnessSession['programs'][number]['type']>(
  session: HarnessSession,
  type: T,
  fits: (news: News<T>) => boolean,
): Promise<News<T>> {
  const find = () => session.programs.filter((p): p is News<T> => p.type === type).find(fits);
  await until(`${type} comes`, () => find() !== undefined, 15_000);
  return find() as News<T>;
}

const end = (session: HarnessSession, n: number, ...images: number[]) => {
  harness.fromDoor({ type: 'end-images', sid: session.sid, n, images });
  return heard(session, 'images-ended', (m) => m.n === n);
};

test('a program is ended with its forks, stopped or not, and what another program of it became lives on', async () => {
  harness.decide(() => ({ allow: true }));
  const session = await harness.launch();
  session.type(`python3 -c 'import os,time,subprocess,signal
if os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)
subprocess.Popen(["sleep","7001"], start_new_session=True)
print("up", "now", flush=True); time.sleep(7002)' & sleep 7003 &\r`);
  await session.shows('up now');
  await until('both sleep', () => ['7001', '7003'].every((n) => session.asks.some((a) => a.argv[1] === n)));
  const python = askFor(session, '-c');
  expect(askFor(session, '7001')).toMatchObject({ under: python.image });
  expect(askFor(session, '7003')).toMatchObject({ under: 0 });
  const done = await end(session, 1, python.image);
  expect(done).toMatchObject({ images: [python.image], front: false });
  const over = await heard(session, 'over', (m) => m.images.includes(python.image));
  expect(over.images).not.toContain(askFor(session, '7001').image);
  harness.fromDoor({ type: 'tree', sid: session.sid, n: 2 });
  const { processes } = await heard(session, 'tree', (m) => m.n === 2);
  const images = processes.map((p) => p.image).sort((a, b) => a - b);
  expect(images).toEqual([0, askFor(session, '7001').image, askFor(session, '7003').image].sort((a, b) => a - b));
  expect(processes.find((p) => p.image === 0)?.argv?.[0]).toMatch(/bash/);
  session.type('echo alive-$((1+1))\r');
  await session.shows('alive-2');
  session.end();
  await session.gone;
});

test('a program that forks as fast as it can is ended whole', async () => {
  harness.decide(() => ({ allow: true }));
  const session = await harness.launch();
  // Each of eight is always another process: it forks, and ends.
  session.type(`python3 -c 'import os,signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        while os.fork() == 0: pass
        os._exit(0)' bomb; echo back-$((1+1))\r`);
  await session.shows('back-2');
  const bomb = askFor(session, 'bomb').image;
  harness.fromDoor({ type: 'tree', sid: session.sid, n: 3 });
  const before = await heard(session, 'tree', (m) => m.n === 3);
  expect(before.processes.some((p) => p.image === bomb)).toBe(true);
  await end(session, 1, bomb);
  harness.fromDoor({ type: 'tree', sid: session.sid, n: 2 });
  const { processes } = await heard(session, 'tree', (m) => m.n === 2);
  expect(processes.map((p) => p.image)).toEqual([0]);
  session.end();
  await session.gone;
  expect(survivors(session.sid)).toEqual([]);
}, 30_000);

test('what was approved and taken back before it began never runs', async () => {
  const session = await harness.launch();
  harness.decide((ask) => {
    if (ask.argv[0] !== 'sleep') return { allow: true };
    // Right behind the verdict: the order mostly finds it approved and not begun, sometimes begun.
    queueMicrotask(() => harness.fromDoor({ type: 'end-images', sid: ask.sid, n: ask.q, images: [ask.image] }));
    return { allow: true };
  });
  session.type('for i in $(seq 40); do sleep 7005; done; echo end-$((1+1))\r');
  await session.shows('end-2', 20_000);
  const ended = session.programs.flatMap((p) => (p.type === 'images-ended' ? [p] : []));
  const asked = session.asks.filter((a) => a.argv[0] === 'sleep').map((a) => a.image);
  expect(asked).toHaveLength(40);
  expect(ended.flatMap((p) => p.images).sort((x, y) => x - y)).toEqual(asked);
  // Those that began after the answer.
  expect(ended.some((p) => p.n === 0)).toBe(true);
  expect(session.notes).toEqual([]);
  session.end();
  await session.gone;
}, 30_000);

test('an order about a program that is over, or of another session, ends nothing', async () => {
  harness.decide(() => ({ allow: true }));
  const [one, two] = [await harness.launch(), await harness.launch()];
  one.type('/bin/true; sleep 7004 & echo on-$((1+1))\r');
  await one.shows('on-2');
  await until('it sleeps', () => one.asks.some((a) => a.argv.includes('7004')));
  expect((await end(two, 1, askFor(one, '7004').image)).images).toEqual([]);
  expect((await end(one, 1, askFor(one, '/bin/true').image)).images).toEqual([]);
  one.type('kill -0 %1 && echo there-$((1+1))\r');
  await one.shows('there-2');
  for (const session of [one, two]) {
    session.end();
    await session.gone;
  }
});
