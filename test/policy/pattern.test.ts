import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandQuestion, Effect } from '../../src/policy/index.js';
import { matchPattern, parsePattern } from '../../src/policy/pattern/index.js';
import { run, typed } from './helpers.js';

const matches = (pattern: string, question: CommandQuestion, effect: Effect = 'deny', possible = false) =>
  matchPattern(parsePattern(pattern), question, effect, possible);
const acts = (pattern: string, action: string) =>
  matchPattern(parsePattern(pattern), { kind: 'action', action }, 'allow', false);

describe('words', () => {
  it.each([
    ['ls', 'ls', true],
    ['ls', 'ls -l', false],
    ['ls *', 'ls', false],
    ['ls *', 'ls a', true],
    ['ls *', 'ls a b', false],
    ['ls **', 'ls', true],
    ['ls **', 'ls a b c', true],
    ['ls ** z', 'ls a z', true],
    ['ls ** z', 'ls a z b', false],
    ['ls a* *b*c', 'ls a xbyc', true],
    ['ls a* *b*c', 'ls a xcyb', false],
    ['ls x*x', 'ls x', false],
    ['git {pull|fetch} **', 'git fetch -p', true],
    ['git {pull|fetch} **', 'git push', false],
    ['kubectl delete **', 'kubectl delete pod x', true],
    ["ls '*'", 'ls a', false],
    ["ls '*'", 'ls *', true],
    ['ls \\*', 'ls *', true],
    ['ls \\*', 'ls a', false],
    ["ls '{a}'", 'ls {a}', true],
    ['*', 'anything at all', true],
    ['**', 'anything at all', true],
    ['** --force', 'git push --force', true],
    ['** --force', 'git push', false],
    ['* --force', 'git push --force', false],
    ['dd ** of=/dev/* **', 'dd if=a of=/dev/sda bs=1M', true],
  ])('%s against %s', (pattern, line, expected) => expect(matches(pattern, run(line))).toBe(expected));

  it('quotes join words and take blanks in', () => {
    const question: CommandQuestion = { ...run('echo'), words: [{ text: 'echo' }, { text: 'a  b' }] };
    expect(matches("echo 'a  b'", question)).toBe(true);
    expect(matches("echo a' '\\ b", question)).toBe(true);
  });
});

describe('options', () => {
  const wipe = 'rm {-r|-R|--recursive} **';
  it.each([
    ['rm -r x', true],
    ['rm x -r', true],
    ['rm -fr x', true],
    ['rm -fRv', true],
    ['rm --recursive x', true],
    ['rm --recursive=yes x', true],
    ['rm --rec x', true],
    ['rm -- -r', false],
    ['rm x -- -r', false],
    ['rm -f x', false],
    ['rm r', false],
    ['rm --force', false],
    ['rm', false],
  ])('%s', (line, expected) => expect(matches(wipe, run(line))).toBe(expected));

  it('every word that holds one is taken out, the rest matches in order', () => {
    expect(matches('rm {-r} {-f} /', run('rm -r -r -f /'))).toBe(true);
    expect(matches('rm {-r} {-f} /', run('rm -rf /'))).toBe(true);
    expect(matches('rm {-r} {-f} /', run('rm -r /'))).toBe(false);
    expect(matches('find ** {-delete} **', run('find . -name x -delete'))).toBe(true);
    expect(matches('find ** {-delete} **', run('find . -name elted'))).toBe(false);
  });

  it('a deny rule also sees the deed behind --', () => {
    expect(matches('rm {-r} /', run('rm -r -- /'))).toBe(true);
    expect(matches('rm {-r} /', run('rm -r -- /'), 'allow')).toBe(false);
  });

  it('an allow rule takes neither abbreviations nor values it does not name', () => {
    expect(matches('tool {--out} **', run('tool --out=x'), 'allow')).toBe(false);
    expect(matches('tool {--out} **', run('tool --ou'), 'allow')).toBe(false);
    expect(matches('tool {--out} **', run('tool --out'), 'allow')).toBe(true);
  });
});

describe('the program', () => {
  const planted: CommandQuestion = {
    ...typed('./ls -l'),
    program: { path: '/home/a/ls', names: ['ls'], trustedNames: [] },
  };
  it('is by name, in an allow rule, only one the account cannot write', () => {
    expect(matches('ls **', planted, 'allow')).toBe(false);
    expect(matches('* **', planted, 'allow')).toBe(false);
    expect(matches('** -l', planted, 'allow')).toBe(false);
    expect(matches('ls **', run('ls -l'), 'allow')).toBe(true);
  });
  it('is by name, in a deny rule, any file of that name', () => {
    expect(matches('ls **', planted, 'deny')).toBe(true);
    const renamed = { ...typed('/tmp/x'), program: { path: '/tmp/x', names: ['x', 'rm'], trustedNames: [] } };
    expect(matches('rm', renamed, 'deny')).toBe(true);
  });
  it('is, with a slash and in a deny rule alone, also what the file is the same as', () => {
    const program = { path: '/home/a/x', names: ['x', 'rm'], trustedNames: [], same: ['/usr/bin/rm'] };
    const copy = { ...typed('./x'), program };
    expect(matches('/usr/bin/rm', copy, 'deny')).toBe(true);
    for (const command of ['/usr/bin/rm', 'rm']) expect(matches(command, copy, 'allow')).toBe(false);
  });
  it('with a slash is the resolved path', () => {
    expect(matches('/home/a/ls **', planted, 'allow')).toBe(true);
    expect(matches('/home/*/ls **', planted, 'allow')).toBe(true);
    expect(matches('/usr/bin/ls **', planted, 'allow')).toBe(false);
  });
  it('of a lone * lies anywhere', () => expect(matches('*', planted, 'allow')).toBe(true));
  it('may be a builtin, whose name a path rule does not mean', () => {
    expect(matches('cd **', typed('cd /', { builtin: true }), 'allow')).toBe(true);
    expect(matches('/bin/cd **', typed('/bin/cd /', { builtin: true }), 'allow')).toBe(false);
  });
  it('that nobody resolved is the typed name, but never a typed path', () => {
    expect(matches('ls', typed('ls'), 'allow')).toBe(true);
    expect(matches('ls', typed('bin/ls'), 'allow')).toBe(false);
    expect(matches('ls', typed('bin/ls'), 'deny')).toBe(true);
  });
});

describe('words known at run time', () => {
  it.each([
    ['rm **', 'rm <x>', true, true],
    ['rm *', 'rm <x>', false, true],
    ['rm a b', 'rm <x>', false, true],
    ['rm a b', 'rm c <x>', false, false],
    ['rm {-r} **', 'rm -r <x>', true, true],
    ['rm {-r} **', 'rm <x> -r', false, true],
    ['rm {-r} **', 'rm <x>', false, true],
    ['rm {-r} y', 'rm <x> -r y', false, true],
    ['rm', 'rm <x>', false, true],
    ['*', '<x> y', true, true],
    ['rm **', '<x> y', false, true],
    ['rm a', '<x> b', false, false],
    ['rm a', '<x>', false, true],
  ])('%s against %s: certain %s, possible %s', (pattern, line, certain, possible) => {
    const question = line.startsWith('<') ? typed(line) : run(line);
    expect(matches(pattern, question, 'deny', false)).toBe(certain);
    expect(matches(pattern, question, 'deny', true)).toBe(possible);
  });

  it('certain means: whatever they become; possible: at least once', () => {
    const word = fc.constantFrom('-r', 'a', 'b', '--', '<x>');
    const token = fc.constantFrom('a', '*', '**', '{-r}', '{a|b}');
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 4 }),
        fc.array(word, { maxLength: 4 }),
        fc.array(fc.constantFrom('-r', 'a', '--'), { maxLength: 3 }),
        (tokens, words, becomes) => {
          const pattern = ['rm', ...tokens].join(' ');
          const question = run(['rm', ...words].join(' '));
          const real = run(['rm', ...words.flatMap((w) => (w === '<x>' ? becomes : [w]))].join(' '));
          for (const effect of ['allow', 'deny'] as const) {
            const then = matches(pattern, real, effect);
            if (matches(pattern, question, effect, false)) expect(then).toBe(true);
            if (then) expect(matches(pattern, question, effect, true)).toBe(true);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('actions', () => {
  it.each([
    ['@login', '@login', true],
    ['@login', '@session', false],
    ['@admin:*', '@admin:kill', true],
    ['@admin:{kill|lock}', '@admin:lock', true],
    ['@admin:*', '@admin:key:add', false],
    ['@forward:*:22', '@forward:db1:22', true],
    ['@forward:*:22', '@forward:[::1]:22', true],
    ['@forward:db*:*', '@forward:web:22', false],
    ['@sftp:*', '@sftp:read', true],
  ])('%s against %s', (pattern, action, expected) => expect(acts(pattern, action)).toBe(expected));

  it('are not commands, nor commands actions', () => {
    expect(acts('*', '@login')).toBe(false);
    expect(acts('**', '@login')).toBe(false);
    expect(matches('@login', run('@login'))).toBe(false);
    expect(matches("'@login'", run('@login'))).toBe(true);
  });
});

describe('patterns that make no sense are errors', () => {
  it.each([
    '',
    '{-r} x',
    'ls {-r|x}',
    'ls {-r*}',
    'ls {a',
    'ls a{b|c}',
    'ls {a}b',
    "ls 'a",
    'ls \\',
    'ls a**',
    'bin/ls',
    '@logn',
    '@admin',
    '@login x',
    '@forward:x',
    '@admin:',
    '@*',
    'ls }',
    "''",
    'ls {--}',
  ])('%s', (pattern) => expect(() => parsePattern(pattern)).toThrow());
});

describe('the matcher', () => {
  it('agrees with a slow and simple one', () => {
    const token = fc.constantFrom('a', 'ab', '*', 'a*', '*b', '**', '{a|b}', 'a*b*');
    const word = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(token, { maxLength: 6 }), fc.array(word, { maxLength: 6 }), (tokens, words) => {
        const question: CommandQuestion = { ...run('p'), words: ['p', ...words].map((text) => ({ text })) };
        expect(matches(['p', ...tokens].join(' '), question)).toBe(slow(tokens, words));
      }),
      { numRuns: 5000 },
    );
  });

  it('never backtracks for long', () => {
    const pattern = `p ${'** a* '.repeat(300)}z`;
    const question: CommandQuestion = {
      ...run('p'),
      words: ['p', ...new Array(2000).fill('aaa')].map((text) => ({ text })),
    };
    const before = process.hrtime.bigint();
    expect(matches(pattern, question)).toBe(false);
    expect(
      matches(`p ${'*a'.repeat(2000)}b`, { ...run('p'), words: [{ text: 'p' }, { text: 'a'.repeat(50_000) }] }),
    ).toBe(false);
    expect(Number(process.hrtime.bigint() - before) / 1e6).toBeLessThan(2000);
  });

  it('reads or refuses whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab*{}|'\\-@: /"), maxLength: 20 }), (text) => {
        try {
          parsePattern(text);
        } catch (error) {
          expect((error as Error).constructor.name).toBe('PatternError');
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function slow(tokens: string[], words: string[]): boolean {
  const [token, ...rest] = tokens;
  if (token === undefined) return words.length === 0;
  if (token === '**') return words.some((_, i) => slow(rest, words.slice(i))) || slow(rest, []);
  const [word, ...others] = words;
  if (word === undefined) return false;
  const regex = token.replaceAll('*', '.*').replace(/\{(.*)\}/, '($1)');
  return new RegExp(`^(?:${regex})$`).test(word) && slow(rest, others);
}
