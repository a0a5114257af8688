import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Children, Decision } from '../../src/policy/types.js';
import { createProgramTable, type Decide, type ProgramTable } from '../../src/session/program-table.js';
import type { ExecAsk } from '../../src/wire/guard.js';

const NO_RULE: Decision = { allow: false, why: 'no-rule', children: 'none' };

/** What each program may: `deny`, a word of an allow row of its own, or nothing. */
type Rights = Map<string, Children | 'deny'>;

/** Decides as a policy of such rights does. */
const decider =
  (rights: () => Rights): Decide =>
  ({ argv }, under) => {
    const own = rights().get(argv[0] ?? '');
    const rule = { id: argv[0] ?? '', effect: 'allow' as const, file: 'p.csv', line: 1 };
    if (under === 'none') return { allow: false, why: 'children', children: 'none' };
    if (own === 'deny') return { allow: false, why: 'rule', children: 'none', rule: { ...rule, effect: 'deny' } };
    if (own !== undefined) return { allow: true, why: 'rule', children: own, rule };
    return under === 'trusted' ? { allow: true, why: 'no-rule', children: 'trusted' } : NO_RULE;
  };

function ask(image: number, name: string, over: Partial<ExecAsk> = {}): ExecAsk {
  const program = { path: `/bin/${name}`, names: [name], trustedNames: [name] };
  const from = { q: image, sid: 's', pid: image, image, under: 0, parent: [], children: 'checked' as const };
  return { ...from, program, argv: [name], cut: false, fromShell: false, hooks: [], part: 'program', ...over };
}

/** A table, and how a door uses it. */
function scene(first: Record<string, Children | 'deny'>) {
  let rights: Rights = new Map(Object.entries(first));
  const decide = decider(() => rights);
  const table: ProgramTable = createProgramTable(decide);
  /** The word the guard would carry for each image. */
  const given = new Map<number, Children>([[0, 'checked']]);
  const start = (image: number, name: string, under = 0, over: Partial<ExecAsk> = {}): Decision => {
    const asked = ask(image, name, { under, children: given.get(under) ?? 'checked', ...over });
    const decision = decide(asked, table.under(asked));
    if (decision.allow && table.add(asked, decision, 0)) given.set(image, decision.children);
    return decision;
  };
  const again = (next?: Record<string, Children | 'deny'>, most = 1000): number[] => {
    if (next) rights = new Map(Object.entries(next));
    return [...table.again(most)].flat().map((p) => p.id);
  };
  return { table, start, again, given };
}

describe('deciding again', () => {
  it('refuses what stood on a rule that is gone, once, and nothing else', () => {
    const { start, again } = scene({ psql: 'checked', tail: 'checked' });
    start(1, 'psql');
    start(2, 'tail');
    start(3, 'less', 2);
    expect(again()).toEqual([]);
    expect(again({ tail: 'checked' })).toEqual([1]);
    expect(again()).toEqual([]);
  });

  it("a child that stood on its parent's trust falls with it; one with a rule of its own does not", () => {
    const { start, again } = scene({ tool: 'trusted', tail: 'checked' });
    start(1, 'tool');
    expect(start(2, 'helper', 1).allow).toBe(true);
    expect(start(3, 'grandchild', 2).allow).toBe(true);
    start(4, 'tail', 1);
    expect(again({ tool: 'checked', tail: 'checked' })).toEqual([2, 3]);
  });

  it('what a dead program started stands on it still', () => {
    const { table, start, again } = scene({ tool: 'trusted' });
    start(1, 'tool');
    start(2, 'middle', 1);
    start(3, 'leaf', 2);
    table.drop([1, 2]);
    expect(again()).toEqual([]);
    expect(table.get(1)).toBeDefined();
    expect(table.get(2)).toBeUndefined();
    expect(again({})).toEqual([3]);
    table.drop([3]);
    expect(table.size).toBe(0);
  });

  it('the word a program runs under now counts for what it starts next, not the one it began with', () => {
    const { start, again } = scene({ tool: 'trusted' });
    start(1, 'tool');
    again({ tool: 'checked' });
    expect(start(2, 'helper', 1)).toMatchObject({ allow: false, why: 'no-rule' });
    again({ tool: 'trusted' });
    expect(start(3, 'helper', 1).allow).toBe(true);
    again({ tool: 'none' });
    expect(start(4, 'helper', 1)).toMatchObject({ allow: false, why: 'children' });
  });

  it('what the guard found hooks in is never trusted again', () => {
    const { start, again, given } = scene({ tool: 'trusted', own: 'checked' });
    start(1, 'tool');
    given.set(1, 'checked');
    expect(start(2, 'helper', 1).allow).toBe(false);
    expect(start(3, 'own', 1).allow).toBe(true);
    expect(again({ tool: 'trusted' })).toEqual([3]);
  });

  it('what a refused program had started falls or stays at once, and not later because that is over', () => {
    const { table, start, again } = scene({ d: 'trusted' });
    start(1, 'd');
    start(2, 'a', 1);
    start(3, 'a', 2);
    expect(again({ d: 'none', a: 'none' })).toEqual([2]);
    table.drop([2]);
    expect(again()).toEqual([]);
  });

  it('a script falls with its interpreter, and with what a loader loads', () => {
    const { start, again } = scene({ script: 'checked', ld: 'checked', load: 'checked' });
    start(1, 'script');
    start(1, 'python', 0, { part: 'interpreter', q: 2, children: 'trusted' });
    start(3, 'ld');
    start(3, 'load', 0, { part: 'loaded', q: 4 });
    expect(again()).toEqual([]);
    expect(again({ script: 'checked', python: 'deny', ld: 'checked' })).toEqual([1, 3]);
  });

  it('a part without its program is not taken', () => {
    const { table } = scene({});
    expect(table.add(ask(9, 'x', { part: 'interpreter' }), { ...NO_RULE, allow: true }, 0)).toBe(false);
  });

  it('a question that comes while all are decided sees new words, and what it finds is told', () => {
    const { table, start } = scene({ tool: 'trusted', a: 'checked' });
    for (let i = 1; i <= 10; i += 1) start(i, 'a');
    start(11, 'tool');
    start(12, 'helper', 11);
    let rights: Rights = new Map();
    const own = createProgramTable(decider(() => rights));
    rights = new Map([
      ['tool', 'trusted'],
      ['a', 'checked'],
    ] as const);
    const put = (image: number, name: string, under = 0) => {
      const asked = ask(image, name, { under, children: under === 0 ? 'checked' : 'trusted' });
      const decision = decider(() => rights)(asked, own.under(asked));
      if (decision.allow) own.add(asked, decision, 0);
      return decision.allow;
    };
    for (let i = 1; i <= 10; i += 1) put(i, 'a');
    put(11, 'tool');
    put(12, 'helper', 11);
    rights = new Map([['a', 'checked']]);
    const run = own.again(5);
    expect(run.next().value).toEqual([]);
    expect(put(13, 'helper', 11)).toBe(false);
    expect([...run].flat().map((p) => p.id)).toEqual([11, 12]);
    expect(table.size).toBe(12);
  });
});

it('a program that becomes another for ever leaves a bounded trace, and the last of them falls all the same', () => {
  const { table, start, again } = scene({ self: 'trusted' });
  for (let i = 1; i <= 2_000; i += 1) {
    expect(start(i, i % 3 === 1 ? 'self' : 'inherits', i - 1).allow).toBe(true);
    table.drop([i - 1]);
  }
  expect(table.size).toBeLessThan(12);
  expect(again()).toEqual([]);
  expect(again({})).toEqual([2_000]);
});

it('words beyond the bound are kept cut: such a program is decided as one with unknown words', () => {
  const long = 'x'.repeat(100_000);
  const cuts: boolean[] = [];
  const table = createProgramTable((asked) => {
    cuts.push(asked.cut);
    return { allow: true, why: 'rule', children: 'checked' };
  });
  for (let i = 1; i <= 30; i += 1)
    table.add(ask(i, 'rm', { argv: ['rm', long] }), { allow: true, why: 'rule', children: 'checked' }, 0);
  expect([...table.again(100)].flat()).toEqual([]);
  expect(cuts.filter((cut) => !cut)).toHaveLength(20);
  table.drop([1]);
  table.add(ask(31, 'rm', { argv: ['rm', long] }), { allow: true, why: 'rule', children: 'checked' }, 0);
  cuts.length = 0;
  expect([...table.again(100)].flat()).toEqual([]);
  expect(cuts.at(-1)).toBe(false);
});

const NAMES = ['a', 'b', 'c', 'd'] as const;
const rights = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom('deny', 'checked', 'trusted', 'none'));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('start' as const), name: fc.constantFrom(...NAMES), of: fc.nat(30) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), of: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change' as const), rights }) },
);

/** A session's life beside the table: who runs, and where each came from. */
function play(first: Record<string, Children | 'deny'>) {
  let now = first;
  let last = 0;
  const { table, start, again } = scene(first);
  const live = new Map<number, string>();
  const origin = new Map<number, { name: string; under: number }>();
  const nth = (n: number) => [0, ...live.keys()][n % (live.size + 1)] ?? 0;
  /** Somebody it comes from trusts what is started. */
  const trusted = (image: number): boolean => {
    const from = origin.get(image);
    return from !== undefined && (now[from.name] === 'trusted' || trusted(from.under));
  };
  return {
    table,
    start(name: string, of: number) {
      const under = nth(of);
      last += 1;
      origin.set(last, { name, under });
      if (start(last, name, under).allow) live.set(last, name);
    },
    end(of: number) {
      const image = nth(of);
      live.delete(image);
      table.drop([image]);
    },
    change(next: Record<string, Children | 'deny'>) {
      now = next;
      for (const image of again(next)) {
        expect(live.delete(image)).toBe(true);
        table.drop([image]);
      }
    },
    check() {
      expect(again()).toEqual([]);
      for (const [image, name] of live) {
        expect(now[name]).not.toBe('deny');
        if (now[name] === undefined) expect(trusted(image)).toBe(true);
      }
    },
    finish: () => table.drop([...live.keys()]),
  };
}

it('whatever starts, ends and changes: what is left has a right, and without a change nothing falls', () => {
  fc.assert(
    fc.property(rights, fc.array(step, { maxLength: 60 }), (first, steps) => {
      const session = play(first as Record<string, Children | 'deny'>);
      for (const s of steps) {
        if (s.do === 'start') session.start(s.name, s.of);
        else if (s.do === 'end') session.end(s.of);
        else session.change(s.rights as Record<string, Children | 'deny'>);
        session.check();
      }
      session.finish();
      expect(session.table.size).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

it('empty words are kept no longer than others', () => {
  const { table, start } = scene({ sh: 'checked' });
  const argv = ['sh', ...Array<string>(16_383).fill('')];
  for (let image = 1; image <= 40; image += 1) start(image, 'sh', 0, { argv });
  const words = Array.from({ length: 40 }, (_, at) => table.get(at + 1)?.parts[0]?.argv.length ?? 0);
  expect(words[0]).toBe(16_384);
  expect(words.reduce((a, b) => a + b)).toBeLessThan(300_000);
});
