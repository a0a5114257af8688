import { expect, test } from 'vitest';
import { questionForExec } from '../../src/gate/index.js';

const program = { path: '/usr/bin/deploy', names: ['deploy'], trustedNames: ['deploy'] };
const ask = { program, argv: ['deploy', '--now'], cut: false, children: 'checked' as const, hooks: ['LD_PRELOAD'] };

test('the exec gate asks policy about a program as it was named', () => {
  expect(questionForExec(ask)).toEqual({
    kind: 'command',
    words: [{ text: 'deploy' }, { text: '--now' }],
    program,
    children: 'checked',
    hooks: ['LD_PRELOAD'],
  });
});

test('words that were not handed over may be anything', () => {
  expect(questionForExec({ ...ask, cut: true }).words).toEqual([
    { text: 'deploy' },
    { text: '--now' },
    { text: '…', dynamic: true },
  ]);
});
