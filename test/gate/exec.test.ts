import { describe, expect, test } from 'vitest';
import { decideExec, questionForExec } from '../../src/gate/index.js';
import { rightsBy } from './rights.js';

const program = (name: string) => ({ path: `/usr/bin/${name}`, names: [name], trustedNames: [name] });
const ask = {
  program: program('deploy'),
  argv: ['deploy', '--now'],
  children: 'checked' as const,
  hooks: ['LD_PRELOAD'],
};
const script = {
  ...ask,
  interpreter: { program: program('python3'), argv: ['python3', '-I', '/usr/bin/deploy', '--now'] },
};

describe('the exec gate', () => {
  test('asks policy about the program as it was named', () => {
    expect(questionForExec(ask)).toEqual({
      kind: 'command',
      words: [{ text: 'deploy' }, { text: '--now' }],
      program: program('deploy'),
      children: 'checked',
      hooks: ['LD_PRELOAD'],
    });
  });

  test('decides a script by its name: its interpreter needs no allow', () => {
    const rights = rightsBy((q) => (q.words[0]?.text === 'deploy' ? 'allow' : 'none'));
    expect(decideExec(script, rights, 0)).toMatchObject({ allow: true, rule: { id: 'allow' } });
  });

  test('refuses a script whose interpreter form a deny matches, and one that is denied by name', () => {
    expect(
      decideExec(
        script,
        rightsBy((q) => (q.words[0]?.text === 'python3' ? 'no-py' : 'allow')),
        0,
      ),
    ).toMatchObject({
      allow: false,
      rule: { id: 'no-py' },
    });
    expect(
      decideExec(
        script,
        rightsBy((q) => (q.words[0]?.text === 'deploy' ? 'no-d' : 'allow')),
        0,
      ),
    ).toMatchObject({
      allow: false,
      rule: { id: 'no-d' },
    });
    expect(
      decideExec(
        script,
        rightsBy(() => 'none'),
        0,
      ),
    ).toMatchObject({ allow: false, why: 'no-rule' });
  });
});
