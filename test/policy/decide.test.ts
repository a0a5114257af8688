import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRights, type Decision } from '../../src/policy/index.js';
import { FACTS, NOON, rights, rightsData, run, typed } from './helpers.js';

const rule = (id: string, command: string, effect = 'allow', children = 'checked', when = 'true', role = 'eng') =>
  `p, ${id}, ${role}, *, ${command}, "${when}", ${effect}, ${children}\n`;
const brief = (d: Decision) => `${d.allow ? 'allow' : 'deny'} ${d.rule?.id ?? '-'} ${d.why} ${d.children}`;

describe('deciding', () => {
  it('no rule means no, and any deny wins wherever it stands', async () => {
    const r = await rights(rule('d1', 'rm **', 'deny') + rule('a', '*') + rule('d2', 'mv **', 'deny'));
    expect(brief(r.decide(run('ls'), NOON))).toBe('allow a rule checked');
    expect(brief(r.decide(run('rm x'), NOON))).toBe('deny d1 rule none');
    expect(brief(r.decide(run('mv x'), NOON))).toBe('deny d2 rule none');
    expect(brief((await rights(rule('a', 'ls'))).decide(run('ps'), NOON))).toBe('deny - no-rule none');
  });

  it('deny beats allow, always', async () => {
    const effect = fc.constantFrom('allow', 'deny');
    const command = fc.constantFrom('ls', 'ls **', '*', 'ps', '{ls|ps}', '** -a', 'ls {-a} **');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(effect, command), { maxLength: 8 }),
        fc.constantFrom('ls', 'ls -a', 'ps', 'id'),
        async (rows, line) => {
          const matching = async (only: string) => {
            const text = rows.map(([e, c], i) => (e === only ? rule(`r${i}`, c) : '')).join('');
            return (await rights(text)).decide(run(line), NOON).allow;
          };
          const both = (await rights(rows.map(([e, c], i) => rule(`r${i}`, c, e)).join(''))).decide(run(line), NOON);
          expect(both.allow).toBe((await matching('allow')) && !(await matching('deny')));
          expect(both.rule?.effect).toBe((await matching('deny')) ? 'deny' : both.allow ? 'allow' : undefined);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a deny holds for a program inside a program too, an allow does not reach there', async () => {
    const r = await rights(rule('a', '*') + rule('d', 'rm {-r} **', 'deny'));
    for (const line of ['busybox rm -r x', 'busybox busybox rm -r x', '/bin/busybox rm -fr x', 'toybox rm -r x'])
      expect(brief(r.decide(typed(line), NOON))).toBe('deny d rule none');
    expect(r.decide(typed('busybox rm x'), NOON).allow).toBe(true);
    expect(r.decide(typed('busybox ls rm -r'), NOON).allow).toBe(true);
    expect((await rights(rule('a', 'ls **'))).decide(typed('busybox ls'), NOON).allow).toBe(false);
  });

  it('names file and line of the rule', async () => {
    expect((await rights(`\n${rule('a', 'ls')}`)).decide(run('ls'), NOON).rule).toEqual({
      id: 'a',
      effect: 'allow',
      file: 'p.csv',
      line: 2,
    });
  });

  it('rules of other roles and targets do not count, those of everyone do', async () => {
    const r = await rights(
      `${rule('o', '*', 'allow', 'checked', 'true', 'ops')}p, t, eng, web, *, true, allow, checked\n`,
    );
    expect(r.decide(run('ls'), NOON).allow).toBe(false);
    expect((await rights(rule('e', '*', 'allow', 'checked', 'true', '*'))).decide(run('ls'), NOON).allow).toBe(true);
  });

  it('rows and holdings are checked again, whoever sent them', async () => {
    const data = rightsData(rule('a', '*'));
    expect((await compileRights({ ...data, holdings: [] })).decide(run('ls'), NOON).allow).toBe(false);
    const elsewhere = data.rows.map((row) => ({ ...row, target: 'web' }));
    expect((await compileRights({ ...data, rows: elsewhere })).decide(run('ls'), NOON).allow).toBe(false);
  });

  it('a role counts from its beginning and not at its end, on its target', async () => {
    const held = (over: object) =>
      rights(rule('a', '*'), { holdings: [{ role: 'eng', target: '*', via: 'g1', ...over }] });
    const r = await held({ from: NOON, until: NOON + 10 });
    expect([-1, 0, 9, 10].map((d) => r.decide(run('ls'), NOON + d).allow)).toEqual([false, true, true, false]);
    expect((await held({ target: 'web*' })).decide(run('ls'), NOON).allow).toBe(false);
    expect((await held({ target: 'db*' })).decide(run('ls'), NOON).allow).toBe(true);
  });

  it('of many windows of a role any will do', async () => {
    const windows = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 })), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(windows, fc.integer({ min: 0, max: 30 }), async (spans, at) => {
        const holdings = spans.map(([from, until]) => ({ role: 'eng', target: '*', via: 'g', from, until }));
        const r = await compileRights({ ...rightsData(rule('a', '*')), holdings });
        expect(r.decide(run('ls'), at).allow).toBe(spans.some(([from, until]) => from <= at && at < until));
      }),
    );
  });

  it('never throws: what cannot be decided is refused', async () => {
    const r = await rights(rule('a', '*'));
    expect(brief(r.decide({ kind: 'command', words: [] }, NOON))).toBe('deny - error none');
    expect(r.decide(undefined as never, NOON)).toMatchObject({ allow: false, why: 'error' });
    expect(r.decide({ kind: 'command' } as never, NOON)).toMatchObject({ allow: false, why: 'error' });
    const lost = await rights(rule('a', '*', 'allow', 'checked', 'time.hour > 1'), {
      facts: { ...FACTS, timezone: 'Nowhere/At/All' },
    });
    expect(lost.decide(run('ls'), NOON).allow).toBe(false);
  });
});

describe('conditions', () => {
  it('an error or missing fact is false in an allow row and true in a deny row', async () => {
    for (const when of [
      'risk.score < 50',
      "mfa.age < duration('15m')",
      'device.managed',
      "source.country == 'DE'",
      "cidr(source.country, '10.0.0.0/8')",
    ]) {
      expect((await rights(rule('a', '*', 'allow', 'checked', when))).decide(run('ls'), NOON).allow).toBe(false);
      expect(
        (await rights(rule('a', '*') + rule('d', 'ls', 'deny', 'checked', when))).decide(run('ls'), NOON).rule?.id,
      ).toBe('d');
    }
  });

  it('has() says otherwise on purpose', async () => {
    const r = await rights(rule('a', '*') + rule('d', 'ls', 'deny', 'checked', 'has(risk.score) && risk.score > 50.0'));
    expect(r.decide(run('ls'), NOON).allow).toBe(true);
  });

  it('a fact of the wrong type is an error, not a match', async () => {
    const facts = { ...FACTS, target: { sensitivity: 'low' } };
    expect(
      (await rights(rule('a', '*', 'allow', 'checked', 'target.sensitivity < 3'), { facts })).decide(run('ls'), NOON)
        .allow,
    ).toBe(false);
  });
});

describe('children', () => {
  const text =
    rule('c', 'ls **', 'allow', 'checked') +
    rule('t', 'ls -t **', 'allow', 'trusted') +
    rule('n', 'ls -t -n', 'allow', 'none') +
    rule('d', 'rm **', 'deny');

  it('none beats trusted beats checked', async () => {
    const r = await rights(text);
    expect(['ls', 'ls -t', 'ls -t -n'].map((l) => brief(r.decide(run(l), NOON)))).toEqual([
      'allow c rule checked',
      'allow t rule trusted',
      'allow n rule none',
    ]);
  });

  it('of none: nothing', async () => {
    expect(brief((await rights(text)).decide(run('ls', { children: 'none' }), NOON))).toBe('deny - children none');
  });

  it("of trusted: only denies apply, and the word is the new image's own or stays", async () => {
    const r = await rights(text);
    expect(brief(r.decide(run('foo', { children: 'trusted' }), NOON))).toBe('allow - no-rule trusted');
    expect(brief(r.decide(run('ls', { children: 'trusted' }), NOON))).toBe('allow c rule checked');
    expect(brief(r.decide(run('rm x', { children: 'trusted' }), NOON))).toBe('deny d rule none');
    expect(brief(r.decide(run('foo', { children: 'checked' }), NOON))).toBe('deny - no-rule none');
  });

  it('trusted falls back to checked beside a hook', async () => {
    const r = await rights(text);
    expect(r.decide(run('ls -t', { hooks: ['LD_PRELOAD'] }), NOON).children).toBe('checked');
    expect(r.decide(run('foo', { children: 'trusted', hooks: ['BASH_ENV'] }), NOON).children).toBe('checked');
    expect(r.decide(run('ls -t -n', { hooks: ['LD_PRELOAD'] }), NOON).children).toBe('none');
  });
});

describe('words known at run time', () => {
  it('are allowed or refused for certain, or the refusal says it is not', async () => {
    const r = await rights(
      rule('ls', 'ls **') + rule('ps', 'ps *') + rule('d', 'ls {-R} **', 'deny') + rule('d2', 'ps x **', 'deny'),
    );
    const verdict = (line: string) => {
      const { allow, uncertain, rule } = r.decide(line.startsWith('<') ? typed(line) : run(line), NOON);
      return `${allow} ${uncertain ?? false} ${rule?.id ?? '-'}`;
    };
    expect(verdict('ls -R <x>')).toBe('false false d');
    expect(verdict('ls <x>')).toBe('false true d');
    expect(verdict('ps <x>')).toBe('false true d2');
    expect(verdict('ps a <x>')).toBe('false true -');
    expect(verdict('id <x>')).toBe('false false -');
    expect(verdict('<c> x')).toBe('false true d');
    expect((await rights(rule('a', '*'))).decide(typed('<c>'), NOON)).toMatchObject({ allow: true });
  });
});

describe('cost', () => {
  it('stays flat as rules about other programs grow', async () => {
    const cost = async (n: number) => {
      const r = await rights(
        Array.from({ length: n }, (_, i) => rule(`r${i}`, `prog${i} **`)).join('') + rule('a', '*'),
      );
      r.decide(run('ls'), NOON);
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 20; round++) {
        const before = process.hrtime.bigint();
        for (let i = 0; i < 200; i++) r.decide(run('ls'), NOON);
        best = Math.min(best, Number(process.hrtime.bigint() - before) / 200_000);
      }
      return best;
    };
    const [few, many] = [await cost(10), await cost(10_000)];
    expect(many).toBeLessThan(few * 3 + 10);
    expect(many).toBeLessThan(100);
  });
});
