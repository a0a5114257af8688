import { describe, expect, test } from 'vitest';
import { parseLine } from '../../src/command/index.js';
import { decideCommandLine, decideLine, phraseRefusal } from '../../src/gate/index.js';
import type { LineContext, Lookup } from '../../src/gate/types.js';
import type { Rights } from '../../src/policy/types.js';
import { NOON, rights } from '../policy/helpers.js';

const POLICY = `
p, read, eng, *, "{ls|cat|env|bash|git} **", true, allow, checked
p, calm, eng, *, "{cd|echo|export|command|eval|f|alias} **", true, allow, checked
p, srv, eng, *, pushd /srv/*, true, allow, checked
p, kube, eng, *, kubectl get **, true, allow, checked
p, no-wipe, *, *, rm {-r|-R|--recursive} **, true, deny, checked
p, no-push, *, *, git push ** {--force} **, true, deny, checked
`;
const KNOWN = new Set(['ls', 'cat', 'env', 'rm', 'git', 'bash', 'seq', 'kubectl']);
const lookup: Lookup = (name) => {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const path = `/usr/bin/${base}`;
  if (!KNOWN.has(base) || (name.includes('/') && name !== path)) return undefined;
  return { path, names: [base], trustedNames: [base] };
};
const context: LineContext = { gate: 'exec', path: '/usr/bin' };
const verdictOf = (r: Rights, line: string, over: Partial<LineContext> = {}) =>
  decideLine(parseLine(line), r, lookup, NOON, { ...context, ...over });
const r = await rights(POLICY);

describe('a line is refused whole', () => {
  test.each([
    ['rm -rf x', 'rm -rf x', 'no-wipe'],
    ['ls; cat x | rm x -r', 'rm x -r', 'no-wipe'],
    ['if ls; then echo $(rm -rf x); fi', 'rm -rf x', 'no-wipe'],
    ['f() { rm -R x; }', 'rm -R x', 'no-wipe'],
    ['/usr/bin/rm -fr x', '/usr/bin/rm -fr x', 'no-wipe'],
    ['command rm -rf x', 'command rm -rf x', 'no-wipe'],
    ['ls "', undefined, undefined],
    ["ls\nrm -rf 'x'\nfi", "rm -rf 'x'", 'no-wipe'],
  ])('for a deny that matches: %s', (line, command, id) => {
    const verdict = verdictOf(r, line);
    expect(verdict.allow).toBe(command === undefined);
    expect(verdict.command).toBe(command);
    if (id !== undefined) expect(verdict.decision?.rule?.id).toBe(id);
    expect(verdict.pendingNames).toBeUndefined();
  });

  test('for a builtin or a program on PATH that no rule allows, unless the shell says it is its own', () => {
    expect(verdictOf(r, 'umask; seq 2; ls')).toMatchObject({ allow: false, pendingNames: ['umask', 'seq'] });
    expect(verdictOf(r, 'umask; seq 2', { shellNames: new Set(['seq']) })).toMatchObject({
      allow: false,
      command: 'umask',
    });
    expect(verdictOf(r, 'umask; seq 2', { shellNames: new Set(['seq', 'umask']) }).allow).toBe(true);
    const path = verdictOf(r, '/usr/bin/seq 2');
    expect(path).toMatchObject({ allow: false, command: '/usr/bin/seq 2' });
    expect(path.pendingNames).toBeUndefined();
  });

  test('a deny is told rather than a name that might be an alias', () => {
    expect(verdictOf(r, 'seq 2; rm -rf x')).toMatchObject({ allow: false, command: 'rm -rf x' });
  });
});

describe('what cannot be known', () => {
  const lines = ['$x y', 'nosuch', './x', '"$(ls)" x', 'kubectl $verb pods', 'git push $how'];
  test.each(lines)('is left to the exec gate: %s', (line) => {
    expect(verdictOf(r, line).allow).toBe(true);
  });
  test.each(lines)('is refused where there is none: %s', (line) => {
    expect(verdictOf(r, line, { gate: 'line-only', shellNames: new Set() })).toMatchObject({ allow: false });
  });
  test('is refused in a builtin, which no exec gate sees', () => {
    expect(verdictOf(r, 'pushd /srv/x').allow).toBe(true);
    expect(verdictOf(r, 'pushd $x', { shellNames: new Set() })).toMatchObject({ allow: false, command: 'pushd $x' });
  });
  test('a line that does not parse or end is refused where there is no exec gate', () => {
    expect(verdictOf(r, 'ls )', { gate: 'line-only', shellNames: new Set() }).allow).toBe(false);
    expect(verdictOf(r, "ls '", { gate: 'line-only', shellNames: new Set() }).allow).toBe(false);
    expect(verdictOf(r, 'ls )').allow).toBe(true);
  });
  test('a line nobody can read is refused everywhere', () => {
    expect(verdictOf(r, `ls ${'('.repeat(70_000)}`)).toMatchObject({
      allow: false,
      reason: 'the line is longer than 64 KiB',
    });
  });
});

describe('ssh host command', () => {
  test('asks nothing back', () => {
    const verdict = decideCommandLine('ls; seq 2', r, lookup, NOON, context);
    expect(verdict).toMatchObject({ allow: false, command: 'seq 2' });
    expect(verdict.pendingNames).toBeUndefined();
    expect(decideCommandLine('ls | cat', r, lookup, NOON, context).allow).toBe(true);
    expect(decideCommandLine('ls | cat', r, lookup, NOON, { ...context, gate: 'line-only' }).allow).toBe(true);
  });
});

describe('the words of a refusal', () => {
  test('name the command and the rule, escaped', () => {
    const line = "ls; rm -rf 'a\u001b[2J'";
    expect(phraseRefusal(verdictOf(r, line), line)).toBe(
      "sallyport: denied: rm -rf 'a\\e[2J' (no-wipe: denied by rule)",
    );
    const seq = verdictOf(r, 'seq 2');
    expect(phraseRefusal(seq, 'seq 2')).toBe('sallyport: denied: seq 2 (no rule allows it)');
    expect(phraseRefusal({ allow: false, reason: 'the line is longer than 64 KiB' }, 'x\n'.repeat(999))).toMatch(
      /^sallyport: denied: (x\\n){66}.*… \(the line is longer than 64 KiB\)$/,
    );
  });
});
