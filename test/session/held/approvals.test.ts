import { describe, expect, it } from 'vitest';
import type { CommandQuestion } from '../../../src/policy/types.js';
import { createApprovals } from '../../../src/session/held/approvals.js';
import type { ExecAsk } from '../../../src/wire/guard.js';

const ask = (argv: string[], more: Partial<ExecAsk> = {}): ExecAsk => ({
  ...{ q: 1, sid: 's', pid: 7, image: 1, under: 0, cut: false, parent: [], children: 'checked', fromShell: true },
  ...{ hooks: [], part: 'program', argv, program: { path: `/usr/bin/${argv[0]}`, names: [], trustedNames: [] } },
  ...more,
});
const question = (words: string[], path = `/usr/bin/${words[0]}`): CommandQuestion => ({
  kind: 'command',
  words: words.map((text) => (text.startsWith('$') ? { text, dynamic: true } : { text })),
  program: { path, names: [], trustedNames: [] },
});

describe('an approval of a line', () => {
  it('is for each of its commands once, in exactly its words', () => {
    const approvals = createApprovals();
    approvals.line([question(['deploy', 'prod']), question(['deploy', 'prod']), question(['rm', '$x'])], 'carol');
    for (const image of [1, 2]) {
      const one = ask(['deploy', 'prod'], { image });
      expect(approvals.of(one)).toBe('carol');
      approvals.used(one);
    }
    expect(approvals.of(ask(['deploy', 'prod']))).toBeUndefined();
    expect(approvals.of(ask(['rm', '$x']))).toBeUndefined();
  });

  it.each([
    ['another word', ask(['deploy', 'test'])],
    ['a word more', ask(['deploy', 'prod', '--force'])],
    ['words joined', ask(['deploy prod'])],
    [
      'another file of that name',
      ask(['deploy', 'prod'], { program: { path: '/tmp/deploy', names: [], trustedNames: [] } }),
    ],
    ['what another program starts', ask(['deploy', 'prod'], { fromShell: false })],
    ['words that are not all known', ask(['deploy', 'prod'], { cut: true })],
    ['another part of an exec', ask(['deploy', 'prod'], { part: 'interpreter' })],
  ])('is not for %s', (_, other) => {
    const approvals = createApprovals();
    approvals.line([question(['deploy', 'prod'])], 'carol');
    expect(approvals.of(other)).toBeUndefined();
  });

  it('ends with the next line', () => {
    const approvals = createApprovals();
    approvals.line([question(['deploy', 'prod'])], 'carol');
    approvals.accepted();
    expect(approvals.of(ask(['deploy', 'prod']))).toBeUndefined();
  });
});

it('an approval of an exec is for that exec, once', () => {
  const approvals = createApprovals();
  approvals.give(ask(['deploy'], { image: 5 }), 'carol');
  expect(approvals.of(ask(['deploy'], { image: 6 }))).toBeUndefined();
  expect(approvals.of(ask(['deploy'], { image: 5 }))).toBe('carol');
  approvals.used(ask(['deploy'], { image: 5 }));
  expect(approvals.of(ask(['deploy'], { image: 5 }))).toBeUndefined();
});
