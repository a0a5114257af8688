import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCsv } from '../../src/policy/csv.js';
import { compilePolicy, compilePolicyInPieces, matchTarget, SHIPPED_MODEL } from '../../src/policy/index.js';
import { compile, LABELS, policy, problemsOf } from './helpers.js';

const ok = 'p, a, eng, *, *, true, allow, checked\n';

describe('policy.csv', () => {
  it('holds rules, comments at the start of a line, blank lines, quoted fields', () => {
    const text = `\ufeff# comment\r\n\r\np, a, eng, prod/*, ls #x,  "cidr(source.ip, '10.0.0.0/8')" , allow, none\r\n`;
    expect(policy(text).rows).toEqual([
      {
        id: 'a',
        role: 'eng',
        target: 'prod/*',
        command: 'ls #x',
        when: "cidr(source.ip, '10.0.0.0/8')",
        effect: 'allow',
        children: 'none',
        file: 'p.csv',
        line: 3,
      },
    ]);
  });

  it.each([
    ['p, a, eng, *, *, true, allow', /p\.csv:2: .*seven fields.*this one 6.*double quotes/],
    ["p, a, eng, *, *, cidr(source.ip, '10.0.0.0/8'), allow, checked", /p\.csv:2: .*this one 8.*double quotes/],
    ['p, a, eng, *, *, true, dney, checked', /p\.csv:2: the effect is allow or deny, not 'dney'; .*quotes/],
    ['p, a, eng, *, *, true, Allow, checked', /the effect/],
    ['p, a, eng, *, *, true, allow, trust', /p\.csv:2: children is checked, trusted or none/],
    ['p, a b, eng, *, *, true, allow, checked', /not a rule id/],
    ['p, , eng, *, *, true, allow, checked', /not a rule id/],
    ['p, a, eng x, *, *, true, allow, checked', /not a role name/],
    ['p, a, eng, a b, *, true, allow, checked', /not a target pattern/],
    ['p, a, eng, *, {-r}, true, allow, checked', /p\.csv:2: a command starts with a program/],
    ['p, a, eng, *, *, , allow, checked', /the condition is empty/],
    ['p, a, eng, *, *, user.taem == "x", allow, checked', /double quote stands inside an unquoted field/],
    [
      'p, a, eng, *, *, "user.taem == ""x""", allow, checked',
      /p\.csv:2: user\.taem is not a known fact or declared label/,
    ],
    ['p, a, eng, *, *, risk > 3, allow, checked', /p\.csv:2: .*no such operation/],
    ['p, a, eng, *, *, "cidr(source.ip", allow, checked', /double quotes/],
    ["p, a, eng, *, *, mfa.age < duration('30d'), allow, checked", /720h/],
    ['q, a', /starts with p, g or g2, not 'q'/],
    ['g, alice', /p\.csv:2: a g row has two fields/],
    ['g, alice, eng, x', /two fields/],
    ['g, al*, eng', /no patterns/],
    ['g2, db1, db1', /cannot be its own group/],
    ['p, a, "eng\np", *, *, true, allow, checked', /line break/],
    ['p, "a', /never closed/],
  ])('says where and what is wrong: %s', (row, message) => {
    const { policy, problems } = compile(`# first\n${row}\n`);
    expect(policy).toBeUndefined();
    expect(problemsOf(`# first\n${row}\n`).join('\n')).toMatch(message);
    expect(problems.every((p) => !p.message.includes('\n'))).toBe(true);
  });

  it('tells every problem at once, in order', () => {
    const lines = problemsOf('p, a\ng, x\np, b, eng, *, *, true, alow, checked\n');
    expect(lines.map((line) => line.split(':')[1])).toEqual(['1', '2', '3']);
  });

  it('has each id once', () => {
    expect(problemsOf(ok + ok)[0]).toMatch(/p\.csv:2: the id 'a' is taken by line 1/);
  });

  it('takes no circles of roles or groups', () => {
    expect(problemsOf('g, a, b\ng, b, c\ng, c, a\n').join()).toMatch(/p\.csv:3: c belongs to a/);
    expect(problemsOf('g2, a, b\ng2, b, a\n').join()).toMatch(/g2 rows/);
    expect(problemsOf('g, a, b\ng, a, c\ng, b, d\ng, c, d\n')).toEqual([]);
  });

  it.each([
    ['p, a, eng, *, *, true, allow, trusted', /only deny rules are left/],
    ['p, a, eng, *, ls, false, allow, checked', /never match/],
    ['p, a, eng, *, ls, true, allow, checked\np, b, eng, *, ls, true, allow, checked', /b repeats a/],
    ['p, a, eng, *, ls, true, allow, checked\np, b, *, *, ls, true, deny, checked', /a never allows anything: b/],
    [
      `p, a, eng, *, ls, "cidr(source.ip, '10.1.2.3/8')", allow, checked`,
      /10\.1\.2\.3\/8 is the whole of 10\.0\.0\.0\/8; write that, or \/32/,
    ],
    ['p, a, eng, *, @sftp:raed, true, allow, checked', /@sftp:read/],
  ])('warns of %s', (text, message) => {
    const { policy, problems } = compile(`${text}\n`);
    expect(policy).toBeDefined();
    expect(problems.map((p) => p.severity)).toEqual(['warning']);
    expect(problems[0]?.message).toMatch(message);
  });

  it('never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('p', ',', '"', '\n', '\r', ' ', '#', 'allow', '*', 'true', "'", 'g2', '\0', '""', 'é'),
          { maxLength: 40 },
        ),
        (parts) => {
          const text = parts.join('');
          expect([...readCsv(text, 'f')].length).toBeLessThan(2);
          expect(compile(text).problems).toBeDefined();
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('reads back what was quoted', () => {
    const field = fc.string({ unit: fc.constantFrom(...'a,"# \'x'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 7 }), (fields) => {
        const line = fields.map((f) => `"${f.replaceAll('"', '""')}"`).join(', ');
        expect([...readCsv(`p, ${line}\n`, 'f')][0]?.records[0]?.fields).toEqual(['p', ...fields]);
      }),
    );
  });
});

describe('compiling in pieces', () => {
  const big = (last: string) =>
    `${Array.from({ length: 3000 }, (_, i) => `p, r${i}, eng, *, x${i}, true, allow, checked\n`).join('')}${last}\n`;

  it('comes to the same', async () => {
    for (const last of ['g, alice, eng', 'p, r5, eng, *, y, true, allow, checked', 'p, "x']) {
      const input = {
        policyText: big(last),
        modelText: SHIPPED_MODEL,
        policyFile: 'p',
        modelFile: 'm',
        labels: LABELS,
      };
      const [whole, pieces] = [compilePolicy(input), await compilePolicyInPieces(input)];
      expect(pieces.problems).toEqual(whole.problems);
      expect(pieces.policy?.digest).toBe(whole.policy?.digest);
      expect(pieces.policy?.rows).toEqual(whole.policy?.rows);
    }
  });

  it('counts lines through', () => {
    expect(problemsOf(big('p, r5, eng, *, y, true, allow, checked'))).toEqual([
      expect.stringMatching(/^p\.csv:3001: the id 'r5' is taken by line 6/),
    ]);
    expect(problemsOf(big('p, "x'))[0]).toMatch(/^p\.csv:3001: .*never closed/);
  });

  it('lets others run in between', async () => {
    let turns = 0;
    const turn = setInterval(() => turns++, 1);
    await compilePolicyInPieces({
      policyText: big(''),
      modelText: SHIPPED_MODEL,
      policyFile: 'p',
      modelFile: 'm',
      labels: LABELS,
    });
    clearInterval(turn);
    expect(turns).toBeGreaterThan(1);
  });
});

describe('a compiled policy', () => {
  const text = `
p, one, eng, db1, ls, true, allow, checked
p, grp, eng, prod/eu, ls -a, true, allow, checked
p, pat, eng, prod/*, ls -b, true, allow, checked
p, all, *, *, ls -c, true, allow, checked
p, sre, sre, db1, ls -d, true, allow, checked
p, oth, eng, db2, ls -e, true, allow, checked
g, alice, sre
g, sre, eng
g2, db1, prod/eu
g2, prod/eu, prod/all
`;
  it('follows roles and groups', () => {
    const p = policy(text);
    expect(p.rolesOf('alice')).toEqual(['sre', 'eng']);
    expect(p.rolesOf('bob')).toEqual([]);
    expect(p.groupsOf('db1')).toEqual(['prod/eu', 'prod/all']);
    expect(p.edges).toHaveLength(2);
    expect(p.edges[0]).toEqual({ member: 'alice', role: 'sre', file: 'p.csv', line: 8 });
  });

  it('gives the rules that can matter, in order, and those of everyone', () => {
    const ids = (roles: string[], target: string) =>
      policy(text)
        .rowsFor(new Set(roles), target)
        .map((r) => r.id);
    expect(ids(['eng'], 'db1')).toEqual(['one', 'grp', 'pat', 'all']);
    expect(ids(['sre', 'eng'], 'db1')).toEqual(['one', 'grp', 'pat', 'all', 'sre']);
    expect(ids([], 'x')).toEqual(['all']);
  });

  it('gives exactly the rules whose role is held and whose target matches', () => {
    const role = fc.constantFrom('a', 'b', '*');
    const target = fc.constantFrom('*', 'x', 'y', 'g', 'g*', '*x');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(role, target), { maxLength: 15 }),
        fc.constantFrom('x', 'y', 'z', 'yx'),
        (rows, on) => {
          const p = policy(
            `${rows.map(([r, t], i) => `p, r${i}, ${r}, ${t}, ls ${i}, true, allow, checked\n`).join('')}g2, x, gx\n`,
          );
          const expected = p.rows.filter(
            (r) => (r.role === 'a' || r.role === '*') && matchTarget(r.target, on, p.groupsOf(on)),
          );
          expect(p.rowsFor(new Set(['a']), on)).toEqual(expected);
        },
      ),
    );
  });

  it('changes its digest with rules, model and labels', () => {
    const digests = [policy(text), policy(ok), policy(text, `${SHIPPED_MODEL.trimEnd()} && (r.user != "x")\n`)].map(
      (p) => p.digest,
    );
    expect(new Set(digests).size).toBe(3);
    expect(policy(text).digest).toBe(digests[0]);
  });

  it('of 100,000 rules answers for a few at the price of a few', () => {
    const rows = Array.from(
      { length: 100_000 },
      (_, i) => `p, r${i}, role${i % 500}, db${i % 977}, ls ${i}, true, allow, checked\n`,
    );
    const before = process.hrtime.bigint();
    const p = policy(rows.join(''));
    expect(Number(process.hrtime.bigint() - before) / 1e9).toBeLessThan(20);
    const start = process.hrtime.bigint();
    for (let i = 0; i < 1000; i++) p.rowsFor(new Set([`role${i % 500}`]), 'db5');
    expect(Number(process.hrtime.bigint() - start) / 1e6).toBeLessThan(1000);
  });
});

describe('target patterns', () => {
  it.each([
    ['*', 'db1', [], true],
    ['db1', 'db1', [], true],
    ['db1', 'db10', [], false],
    ['prod/*', 'db1', ['prod/eu'], true],
    ['prod/eu', 'db1', ['prod/eu'], true],
    ['*1', 'db1', [], true],
    ['d*b*1', 'db1', [], true],
    ['d*x*1', 'db1', [], false],
    ['prod', 'prod/eu', [], false],
  ])('%s on %s %j: %s', (pattern, target, groups, expected) =>
    expect(matchTarget(pattern, target, groups)).toBe(expected),
  );

  it('take no long time', () => {
    expect(matchTarget(`${'*a'.repeat(60)}b`, 'a'.repeat(5000), [])).toBe(false);
  });
});
