import { describe, expect, it } from 'vitest';
import { limitsOf } from '../../src/feeds/freshness.js';
import { startPerUser } from '../../src/feeds/per-user.js';
import { startSource } from '../../src/feeds/source.js';
import type { Answer, Facts, FeedState, Sifted } from '../../src/feeds/types.js';
import { FakeClock } from '../helpers/fake-clock.js';

const TERMS = { refreshMs: 10_000, timeoutMs: 3_000, keepMs: 0 };
const told = (score: number): Sifted => ({ facts: new Map([['alice', { 'risk.score': score }]]) });
const flush = async () => {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
};

/** A source whose answers a test gives. */
function scene(terms = TERMS, okAt?: number) {
  const clock = new FakeClock();
  const asked: { resolve(a: Answer): void; reject(e: Error): void; anew: boolean }[] = [];
  const tells: [string[], boolean][] = [];
  const states: FeedState[] = [];
  const source = startSource(
    terms,
    (anew) => new Promise((resolve, reject) => asked.push({ resolve, reject, anew })),
    {
      clock,
      tell: (facts: ReadonlyMap<string, Facts>, whole) => tells.push([[...facts.keys()], whole]),
      news: (state) => states.push(state),
    },
    okAt,
  );
  const answer = async (a: Answer | Error) => {
    const one = asked.at(-1);
    if (a instanceof Error) one?.reject(a);
    else one?.resolve(a);
    await flush();
  };
  return { clock, asked, tells, states, source, answer };
}

describe('a source', () => {
  it('is asked at once and then every refresh, reckoned from question to question', async () => {
    const s = scene();
    expect(s.asked).toHaveLength(1);
    s.clock.advance(2_000);
    await s.answer(told(1));
    await s.source.first;
    s.clock.advance(7_999);
    expect(s.asked).toHaveLength(1);
    s.clock.advance(1);
    expect(s.asked).toHaveLength(2);
    s.source.stop();
  });

  it('that is slow is never asked twice at a time, nudged or not', async () => {
    const s = scene();
    s.clock.advance(100_000);
    s.source.nudge();
    expect(s.asked).toHaveLength(1);
    await s.answer(told(1));
    s.clock.advance(0);
    expect(s.asked.length).toBeLessThanOrEqual(2);
    s.source.stop();
  });

  it('that fails is asked again soon, then ever later up to its refresh', async () => {
    const s = scene();
    const waits: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      await s.answer(new Error('down'));
      const before = s.asked.length;
      let waited = 0;
      while (s.asked.length === before) {
        s.clock.advance(500);
        waited += 500;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(s.source.health()).toMatchObject({ state: 'waiting', error: 'down' });
    s.source.stop();
  });

  it('that is silent for longer than refresh and time-out is stale, and nothing it told is known', async () => {
    const s = scene();
    await s.answer(told(1));
    s.clock.advance(13_500);
    expect(s.source.health().state).toBe('fresh');
    s.clock.advance(2);
    expect(s.source.health().state).toBe('stale');
    expect(s.tells).toEqual([
      [['alice'], true],
      [[], true],
    ]);
    expect(s.states).toEqual(['fresh', 'stale']);
    s.source.stop();
  });

  it('with a grace is kept for so long', async () => {
    const s = scene({ ...TERMS, keepMs: 60_000 });
    await s.answer(told(1));
    s.clock.advance(13_502);
    expect(s.source.health().state).toBe('kept');
    expect(s.tells).toHaveLength(1);
    s.clock.advance(60_000);
    expect(s.source.health().state).toBe('stale');
    expect(s.tells).toHaveLength(2);
    s.source.stop();
  });

  it('that was stale is asked anew: that nothing changed is no answer then', async () => {
    const s = scene();
    expect(s.asked.at(-1)?.anew).toBe(true);
    await s.answer(told(1));
    s.clock.advance(10_000);
    expect(s.asked.at(-1)?.anew).toBe(false);
    await s.answer(new Error('gone'));
    s.clock.advance(4_000);
    expect(s.source.health().state).toBe('stale');
    await s.answer(new Error('gone'));
    s.clock.advance(10_000);
    expect(s.asked.at(-1)?.anew).toBe(true);
    s.source.stop();
  });

  it('that takes another place goes on with what that told, as long as that would have', () => {
    const s = scene(TERMS, 0);
    expect(s.source.health().state).toBe('fresh');
    s.clock.advance(13_502);
    expect(s.source.health().state).toBe('stale');
    expect(s.tells).toEqual([[[], true]]);
    s.source.stop();
  });

  it('says nothing more once it is stopped', async () => {
    const s = scene();
    s.source.stop();
    await s.answer(told(1));
    s.clock.advance(100_000);
    expect([s.tells, s.asked.length]).toEqual([[], 1]);
  });
});

describe('a source that is asked for each user', () => {
  function perUser(ask: (user: string) => Promise<Sifted>) {
    const clock = new FakeClock();
    const present = new Set<string>();
    const tells: [string, Facts][] = [];
    const tell = (facts: ReadonlyMap<string, Facts>) => void tells.push(...facts);
    const source = startPerUser(TERMS, ask, () => present, { clock, tell, news: () => {} });
    return { clock, present, tells, source };
  }
  const one = (score: number): Sifted => ({ facts: new Map([['', { 'risk.score': score }]]) });

  it('answers several logins of one user with one question, and keeps the answer for its refresh', async () => {
    let asked = 0;
    const s = perUser(async () => {
      asked += 1;
      return one(asked);
    });
    await Promise.all([s.source.prepare('alice'), s.source.prepare('alice')]);
    await s.source.prepare('alice');
    expect(asked).toBe(1);
    s.clock.advance(10_000);
    await s.source.prepare('alice');
    expect(asked).toBe(2);
    s.source.stop();
  });

  it('is asked again while the user is here, and forgets those who are not', async () => {
    let asked = 0;
    const s = perUser(async () => {
      asked += 1;
      return one(asked);
    });
    await s.source.prepare('alice');
    s.present.add('alice');
    s.clock.advance(11_000);
    await flush();
    expect(asked).toBe(2);
    s.present.clear();
    s.clock.advance(20_000);
    expect(asked).toBe(2);
    expect(s.tells.at(-1)).toEqual(['alice', {}]);
    s.source.stop();
  });

  it('that fails leaves the login without the fact, and is not believed beyond its time', async () => {
    let isUp = true;
    const s = perUser(async () => {
      if (!isUp) throw new Error('down');
      return one(1);
    });
    await s.source.prepare('alice');
    s.present.add('alice');
    isUp = false;
    s.clock.advance(15_000);
    await flush();
    s.clock.advance(1_000);
    expect(s.tells.at(-1)).toEqual(['alice', {}]);
    await s.source.prepare('alice');
    expect(s.source.health()).toMatchObject({ error: 'down', state: 'stale' });
    s.source.stop();
  });

  it('is not believed a ms longer than its time, whenever it is looked at, and however long it hangs', async () => {
    const { goneMs } = limitsOf(TERMS);
    let hangs = false;
    const s = perUser(async () => (hangs ? await new Promise<Sifted>(() => {}) : one(1)));
    s.clock.advance(333);
    await s.source.prepare('alice');
    s.present.add('alice');
    hangs = true;
    s.clock.advance(goneMs);
    expect(s.tells).toEqual([['alice', { 'risk.score': 1 }]]);
    s.clock.advance(1);
    expect(s.tells.at(-1)).toEqual(['alice', {}]);
    s.source.stop();
    expect(s.clock.pending()).toBe(0);
  });

  it('that takes another place believes its answers no longer than that would have', async () => {
    const { goneMs } = limitsOf(TERMS);
    const s = perUser(async () => one(1));
    await s.source.prepare('alice');
    s.source.stop();
    s.clock.advance(1_000);
    const tells: string[] = [];
    const tell = (facts: ReadonlyMap<string, Facts>) => void tells.push(...facts.keys());
    const ask = () => new Promise<Sifted>(() => {});
    const next = startPerUser(TERMS, ask, () => [], { clock: s.clock, tell, news: () => {} }, s.source.answers);
    s.clock.advance(goneMs - 1_000);
    expect(tells).toEqual([]);
    s.clock.advance(1);
    expect(tells).toEqual(['alice']);
    next.stop();
  });

  it('asks for 32 at a time, and for the rest in turn', async () => {
    const waiting: (() => void)[] = [];
    const s = perUser(() => new Promise((resolve) => waiting.push(() => resolve(one(1)))));
    const all = Array.from({ length: 40 }, (_, i) => s.source.prepare(`u${i}`));
    await flush();
    expect(waiting).toHaveLength(32);
    for (let i = 0; i < 40; i += 1) {
      waiting[i]?.();
      await flush();
    }
    await Promise.all(all);
    expect(s.tells).toHaveLength(40);
    s.source.stop();
  });
});
