import { expect, test } from 'vitest';
import { questionForExec } from '../../src/gate/index.js';

test('the exec gate asks policy about a program as it was named', () => {
  const program = { path: '/usr/bin/deploy', names: ['deploy'], trustedNames: ['deploy'] };
  const ask = { program, argv: ['deploy', '--now'], children: 'checked' as const, hooks: ['LD_PRELOAD'] };
  expect(questionForExec(ask)).toEqual({
    kind: 'command',
    words: [{ text: 'deploy' }, { text: '--now' }],
    program,
    children: 'checked',
    hooks: ['LD_PRELOAD'],
  });
});
