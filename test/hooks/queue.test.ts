import { describe, expect, it } from 'vitest';
import { createQueue, DeliveryError, type HookEvent } from '../../src/hooks/index.js';
import { MAX_AGE_MS, MAX_WAITING } from '../../src/hooks/queue.js';
import { FakeClock } from '../helpers/fake-clock.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function scene(together = 20) {
  const clock = new FakeClock();
  const sent: { at: number; events: HookEvent[] }[] = [];
  const news: string[] = [];
  let answer: () => Promise<void> = async () => {};
  const queue = createQueue(together, {
    clock,
    deliver: async (events) => {
      sent.push({ at: clock.mono(), events: [...events] });
      await answer();
    },
    news: (state, error) => news.push(`${state} ${error ?? ''}`.trim()),
    random: () => 1,
  });
  let made = 0;
  const push = (count = 1) => {
    for (let i = 0; i < count; i += 1) {
      made += 1;
      queue.push({ id: `e${made}`, event: 'lock', at: '2026-01-05T09:00:00.000Z' });
    }
  };
  return {
    ...{ clock, sent, news, queue, push },
    use(next: () => Promise<void>) {
      answer = next;
    },
    ids: () =>
      sent.map(({ events }) => events.map(({ id, event }) => (event === 'dropped' ? 'dropped' : id)).join(' ')),
  };
}

const fails = (again: boolean, afterMs?: number) => () =>
  Promise.reject(new DeliveryError('it answers 503', again, afterMs));
const never = () => new Promise<void>(() => {});

describe('a queue', () => {
  it('sends in order, what waits together', async () => {
    const s = scene(2);
    s.push(4);
    for (let i = 0; i < 5; i += 1) await turn();
    expect(s.ids()).toEqual(['e1', 'e2 e3', 'e4']);
    expect(s.queue.health()).toMatchObject({ state: 'ok', delivered: 4, waiting: 0, failed: 0, dropped: 0 });
    expect(s.news).toEqual([]);
  });

  it('tries the same events again, each time after twice as long, at most a minute, and says when it is well again', async () => {
    const s = scene();
    s.use(fails(true));
    s.push();
    await s.clock.advanceAsync(200_000);
    const pauses = s.sent.slice(1).map(({ at }, i) => Math.round((at - (s.sent[i]?.at ?? 0)) / 1000));
    expect(pauses.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(new Set(s.ids())).toEqual(new Set(['e1']));
    expect(s.queue.health()).toMatchObject({ state: 'failing', error: 'it answers 503', waiting: 1 });
    s.use(async () => {});
    await s.clock.advanceAsync(60_000);
    expect(s.queue.health()).toMatchObject({ state: 'ok', delivered: 1, waiting: 0 });
    expect(s.news).toEqual(['failing it answers 503', 'ok']);
    s.use(fails(true));
    s.push();
    await s.clock.advanceAsync(1_500);
    expect(s.sent.length).toBe(12);
  });

  it('leaves a receiver in peace for as long as it asks, and no longer than a minute', async () => {
    const s = scene();
    s.use(fails(true, 10_000));
    s.push();
    await s.clock.advanceAsync(9_000);
    expect(s.sent.length).toBe(1);
    s.use(fails(true, 1e9));
    await s.clock.advanceAsync(2_000);
    expect(s.sent.length).toBe(2);
    await s.clock.advanceAsync(61_000);
    expect(s.sent.length).toBe(3);
  });

  it('does not try again what is refused for good, and tells the receiver later how much that was', async () => {
    const s = scene(1);
    s.use(fails(false));
    s.push(2);
    for (let i = 0; i < 4; i += 1) await turn();
    expect(s.ids()).toEqual(['e1', 'dropped e2']);
    expect(s.queue.health()).toMatchObject({ failed: 2, waiting: 0, state: 'failing' });
    s.use(async () => {});
    s.push();
    await turn();
    expect(s.sent.at(-1)?.events[0]).toMatchObject({ event: 'dropped', data: { events: 2 } });
    s.push();
    await turn();
    expect(s.ids().at(-1)).toBe('e4');
  });

  it('holds no more than its bound: the oldest go, are counted, and the receiver is told', async () => {
    const s = scene();
    s.use(never);
    s.push(1 + MAX_WAITING + 5);
    expect(s.queue.health()).toMatchObject({ waiting: MAX_WAITING + 1, dropped: 5 });
    expect(s.sent.length).toBe(1);
  });

  it('tells what was dropped with the next events, before them', async () => {
    const s = scene();
    s.use(fails(true));
    s.push(1 + MAX_WAITING + 5);
    await turn();
    s.use(async () => {});
    await s.clock.advanceAsync(5_000);
    expect(s.sent[2]?.events[0]).toMatchObject({ event: 'dropped', data: { events: 5 } });
    expect(s.sent[2]?.events[1]?.id).toBe('e7');
    expect(s.queue.health()).toMatchObject({ delivered: MAX_WAITING + 1, dropped: 5, waiting: 0 });
  });

  it('gives up what has grown too old', async () => {
    const s = scene(1);
    s.use(fails(true));
    s.push(3);
    await s.clock.advanceAsync(MAX_AGE_MS + 61_000, 1_000);
    expect(s.queue.health()).toMatchObject({ failed: 1, dropped: 2, waiting: 0 });
  });

  it('is settled when nothing waits, or what waits has failed, and not before', async () => {
    const s = scene();
    let settled = false;
    let release = () => {};
    s.use(
      () =>
        new Promise((_resolve, reject) => {
          release = () => reject(new Error('gone'));
        }),
    );
    s.push();
    void s.queue.settled().then(() => {
      settled = true;
    });
    await turn();
    expect(settled).toBe(false);
    release();
    await turn();
    expect(settled).toBe(true);
    expect(s.queue.stop()).toBe(1);
    await s.clock.advanceAsync(5_000);
    expect(s.sent.length).toBe(1);
    expect(s.clock.pending()).toBe(0);
  });
});
