import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBook, type Draft, type Entry } from '../../../src/keeper/reviews/book.js';
import { FakeClock } from '../../helpers/fake-clock.js';

const RULES = { waitMs: 600_000, perUser: 6 };
const draft = (user = 'alice', session = 's1'): Draft => ({
  user,
  session,
  target: 'local',
  gate: 'line',
  text: 'deploy',
  questions: [],
});

function entered(book: ReturnType<typeof createBook>, of = draft()): Entry {
  const entry = book.enter(of, RULES);
  if (typeof entry === 'string') throw new Error(entry);
  return entry;
}

describe('the book of commands that wait', () => {
  it('is bounded for a session, for a user and altogether', () => {
    const book = createBook(new FakeClock());
    for (let i = 0; i < 4; i += 1) entered(book);
    expect(book.enter(draft(), RULES)).toContain('this session asks about 4 commands already');
    for (let i = 0; i < 2; i += 1) entered(book, draft('alice', 's2'));
    expect(book.enter(draft('alice', 's3'), RULES)).toContain('alice asks about 6 commands already');
    for (let i = 0; i < 994; i += 1) entered(book, draft(`u${i}`, `t${i}`));
    expect(book.enter(draft('bob', 's4'), RULES)).toContain('too many commands');
  });

  it('bounds how often a user asks, whatever became of it', async () => {
    const clock = new FakeClock();
    const book = createBook(clock);
    for (let i = 0; i < 20; i += 1) book.end(entered(book), { state: 'withdrawn' });
    expect(book.enter(draft(), RULES)).toContain('within a minute');
    expect(typeof book.enter(draft('bob'), RULES)).toBe('object');
    clock.advance(60_000);
    expect(typeof book.enter(draft(), RULES)).toBe('object');
  });

  it('shows nobody what is not written down yet', () => {
    const book = createBook(new FakeClock());
    const entry = entered(book);
    expect(book.list(true)).toEqual([]);
    expect(book.take(entry, 'bob')).toBe(false);
    expect(book.open(entry)).toBe(true);
    expect(book.list(false)).toMatchObject([{ id: entry.id, state: 'waiting' }]);
    expect(JSON.stringify(book.list(false))).not.toContain('questions');
  });

  it('remembers the ended ones for a while, and no more than so many', () => {
    const clock = new FakeClock();
    const book = createBook(clock);
    for (let i = 0; i < 300; i += 1) {
      const entry = entered(book, draft(`u${i}`, `s${i}`));
      book.open(entry);
      book.end(entry, { state: 'expired' });
    }
    expect(book.list(false)).toEqual([]);
    expect(book.list(true)).toHaveLength(200);
  });

  it('gives each entry one end, and one answer at a time, in whatever order things happen', () => {
    const step = fc.record({ what: fc.constantFrom(...WHATS), which: fc.nat(5), who: fc.constantFrom('bob', 'carol') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const played = play();
        for (const each of steps) {
          played.step(each);
          played.check();
        }
      }),
      { numRuns: 300 },
    );
  });
});

const ENDS = { approve: 'approved', refuse: 'refused', expire: 'expired', withdraw: 'withdrawn' } as const;
const WHATS = ['enter', 'open', 'take', 'giveBack', 'wait', 'approve', 'refuse', 'expire', 'withdraw'] as const;
interface Step {
  what: (typeof WHATS)[number];
  which: number;
  who: string;
}

/** One book, what was done to it, and what each entry's ends were said to be. */
function play() {
  const clock = new FakeClock();
  const book = createBook(clock);
  const entries: Entry[] = [];
  const ends = new Map<string, string[]>();
  const on = (entry: Entry, { what, who }: Step) => {
    if (what === 'open') {
      const could = entry.state === 'writing';
      expect(book.open(entry)).toBe(could);
    } else if (what === 'take') {
      const could = entry.state === 'waiting' && entry.takenBy === undefined;
      expect(book.take(entry, who)).toBe(could);
    } else if (what === 'giveBack') book.giveBack(entry);
    else if (what in ENDS) {
      const state = ENDS[what as keyof typeof ENDS];
      if (book.end(entry, { state, by: who })) ends.set(entry.id, [...(ends.get(entry.id) ?? []), state]);
    }
  };
  return {
    step(step: Step) {
      if (step.what === 'wait') clock.advance(20_000);
      if (step.what === 'enter') {
        const entry = book.enter(draft('alice', `s${step.which}`), RULES);
        if (typeof entry !== 'string') entries.push(entry);
      }
      const entry = entries[step.which % Math.max(1, entries.length)];
      if (entry !== undefined) on(entry, step);
    },
    check() {
      for (const one of entries) {
        const own = ends.get(one.id) ?? [];
        // Never both approved and refused, never approved twice, and what is shown is what came first.
        expect(own.length).toBeLessThanOrEqual(1);
        expect(own[0] ?? one.state).toBe(one.state);
        expect(book.waiting().includes(one)).toBe(own.length === 0);
      }
    },
  };
}
