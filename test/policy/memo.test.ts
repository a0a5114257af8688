import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileRights } from '../../src/policy/index.js';
import { NOON, rights, rightsData, run } from './helpers.js';

const HOUR = 3_600_000;
const rule = (id: string, role: string, command: string, effect: string, when = 'true', children = 'checked') =>
  `p, ${id}, ${role}, *, ${command}, "${when}", ${effect}, ${children}\n`;

const POLICY = [
  rule('a', 'eng', 'ls **', 'allow'),
  rule('t', 'eng', 'make **', 'allow', 'true', 'trusted'),
  rule('s', 'sre', 'kubectl **', 'allow'),
  rule('d', 'sre', 'ls -x **', 'deny'),
  rule('h', 'eng', 'ps **', 'allow', 'time.hour < 13'),
  rule('n', '*', 'rm **', 'deny'),
  rule('b', 'eng', 'busybox **', 'allow'),
].join('');

const HOLDINGS = [
  { role: 'eng', target: '*', via: 'policy' as const },
  { role: 'sre', target: '*', via: 'policy' as const, from: NOON + HOUR, until: NOON + 2 * HOUR },
];

it('a question asked again gets the answer a first asking would get now, whatever the time has done meanwhile', async () => {
  const data = rightsData(POLICY, { holdings: HOLDINGS });
  const asked = fc.record({
    line: fc.constantFrom(
      'ls',
      'ls -x',
      'ls -x y',
      'make',
      'kubectl get',
      'ps',
      'rm x',
      'busybox rm x',
      'busybox ls',
      'id',
    ),
    children: fc.constantFrom('checked', 'trusted', 'none'),
    hooks: fc.subarray(['LD_PRELOAD']),
    trusted: fc.boolean(),
    minute: fc.integer({ min: -10, max: 190 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 2, maxLength: 30 }), async (questions) => {
      const remembering = await compileRights(data);
      for (const { line, children, hooks, trusted, minute } of questions) {
        const question = run(line, { children: children as 'checked', hooks });
        if (!trusted && question.program) question.program = { ...question.program, trustedNames: [] };
        const at = NOON + minute * 60_000;
        expect(remembering.decide(question, at)).toEqual((await compileRights(data)).decide(question, at));
      }
    }),
    { numRuns: 300 },
  );
});

it('a role that ends ends what was decided by it, to the millisecond', async () => {
  const r = await rights(POLICY, { holdings: HOLDINGS });
  const allowed = (at: number) => r.decide(run('kubectl get'), at).allow;
  const moments = [NOON, NOON + HOUR, NOON + HOUR - 1, NOON + 2 * HOUR - 1, NOON + 2 * HOUR, NOON + HOUR];
  expect([...moments, ...moments].map(allowed)).toEqual([
    ...[false, true, false, true, false, true],
    ...[false, true, false, true, false, true],
  ]);
});
