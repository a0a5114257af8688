import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../contracts/sources.js';
import { type Scratch, scratch } from './run.js';

let s: Scratch;
beforeAll(() => {
  s = scratch();
  s.run('init', '--user', 'alice', '--key', s.key);
});
afterAll(() => s.remove());

const file = (name: string, text: string) => {
  const path = join(s.dir, name);
  writeFileSync(path, text);
  return path;
};

describe('policy test', () => {
  it('passes the cases that come with the rules', () => {
    const { code, stdout } = s.run('policy', 'test', join(root, 'policies/cases.yaml'));
    expect(stdout).toMatch(/^\d+ passed, 0 failed\n$/);
    expect(code).toBe(0);
  });

  it('exits 1 on a difference, and says where, what was expected and which rule decided', () => {
    const cases = file(
      'differ.yaml',
      '- { roles: [viewer], run: ls, expect: allow }\n- name: cat\n  roles: [viewer]\n  run: cat x\n  expect: deny\n',
    );
    const { code, stdout } = s.run('policy', 'test', cases);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /differ\.yaml:2: cat: expected deny, got allow by view-files \(.*policy\.csv:\d+\), children none/,
    );
    expect(stdout).toContain('1 passed, 1 failed');
    expect(s.run('policy', 'test', cases, '--json').stdout).toContain('"failed":1');
  });

  it('plays facts, moments, actions and words as they are given', () => {
    const policy = join(s.home, 'policies/policy.csv');
    const before = readFileSync(policy, 'utf8');
    appendFileSync(
      policy,
      `p, t-night, tester, *, deploy **, time.hour >= 22, allow, checked
p, t-risk, tester, *, restart *, risk.score < 50, allow, checked
p, t-mfa, tester, *, drop *, mfa.age < duration('15m'), allow, checked
p, t-two, tester, *, wipe *, approval.by != '' && device.managed, allow, checked
p, t-in, tester, *, @sftp:read, true, allow, checked\n`,
    );
    const cases = file(
      'scenes.yaml',
      `- { roles: [tester], run: deploy now, at: 2026-03-01T23:00:00Z, expect: allow, by: t-night }
- { roles: [tester], run: deploy now, at: 2026-03-01T12:00:00Z, expect: deny, by: none }
- { roles: [tester], run: restart x, facts: { risk.score: 49 }, expect: allow }
- { roles: [tester], run: restart x, expect: deny }
- { roles: [tester], run: [drop, 'a b'], facts: { mfa.age: 5m }, expect: allow }
- { roles: [tester], run: [drop, 'a b'], facts: { mfa.age: 20m }, expect: deny, remedies: [mfa], missing: [] }
- { roles: [tester], run: drop x, expect: deny, remedies: [mfa], missing: [mfa.age] }
- { roles: [tester], run: restart x, expect: deny, remedies: [], missing: [risk.score] }
- { roles: [tester], run: wipe x, expect: deny, remedies: [], missing: [approval.by, device.managed] }
- { roles: [tester], run: wipe x, facts: { device.managed: true }, expect: deny, remedies: [approval], missing: [approval.by] }
- { roles: [tester], run: wipe x, facts: { device.managed: true, approval.by: bob }, expect: allow, remedies: [], missing: [] }
- { roles: [tester], run: '@sftp:read', expect: allow, by: t-in }
`,
    );
    const { stdout, code } = s.run('policy', 'test', cases);
    writeFileSync(policy, before);
    expect(stdout).toBe('12 passed, 0 failed\n');
    expect(code).toBe(0);
  });

  it('exits 1 where another remedy would do, or another fact is missing', () => {
    const policy = join(s.home, 'policies/policy.csv');
    const before = readFileSync(policy, 'utf8');
    appendFileSync(policy, "p, t-mfa, tester, *, drop *, mfa.age < duration('15m'), allow, checked\n");
    const cases = file(
      'remedies.yaml',
      `- { roles: [tester], run: drop x, expect: deny, remedies: [approval] }
- { roles: [tester], run: drop x, expect: deny, missing: [risk.score] }
- { roles: [tester], run: drop x, expect: deny, missing: [] }
`,
    );
    const { stdout, code } = s.run('policy', 'test', cases);
    writeFileSync(policy, before);
    expect(code).toBe(1);
    const differ = (line: number, expected: string, got: string) =>
      expect(stdout).toContain(`remedies.yaml:${line}: drop x: expected deny, ${expected}, got deny by none, ${got}\n`);
    differ(1, 'remedies approval', 'remedies mfa');
    differ(2, 'missing risk.score', 'missing mfa.age');
    differ(3, 'missing nothing', 'missing mfa.age');
    expect(stdout).toContain('0 passed, 3 failed');
  });

  it.each([
    ['- { run: ls, expect: perhaps }', /:1: 0\.expect: must be allow or deny/],
    ['- { run: ls, expect: allow, rols: [x] }', /:1: 0: Unrecognized key.*rols/],
    ['run: ls', /must be a list of cases/],
    ['- [', /:\d+: /],
  ])('says what is wrong with the table: %s', (text, words) => {
    const { code, stderr } = s.run('policy', 'test', file('bad.yaml', `${text}\n`));
    expect(stderr).toMatch(words);
    expect(code).toBe(1);
  });

  it('fails a case that cannot be played, and goes on', () => {
    const cases = file(
      'odd.yaml',
      '- { run: ls, facts: { risk.scroe: 3 }, expect: deny }\n- { run: "echo \'", expect: deny }\n',
    );
    const { code, stdout } = s.run('policy', 'test', cases);
    expect(stdout).toMatch(/risk\.scroe: no such fact to set/);
    expect(stdout).toMatch(/odd\.yaml:2: .*cannot be read/);
    expect(code).toBe(1);
  });
});

describe('policy diff', () => {
  const rules = () => readFileSync(join(s.home, 'policies/policy.csv'), 'utf8');

  it('finds no difference between rules that say the same', () => {
    const same = file('same.csv', `# moved\n${rules()}`);
    const { code, stdout } = s.run('policy', 'diff', same);
    expect(stdout).toBe('no user and no live session would gain or lose anything\n');
    expect(code).toBe(0);
  });

  it('names who would gain and lose what', () => {
    const changed = `${rules().replace(/^p, engineer-exec,.*\n/m, '')}p, new-rm, engineer, *, shred **, true, deny, checked\np, new-ls, engineer, *, nmap **, true, allow, none\ng, alice, engineer\n`;
    const { code, stdout } = s.run('policy', 'diff', file('changed.csv', changed));
    expect(stdout).toMatch(/^alice on local:\n/);
    expect(stdout).toMatch(/ {2}\+ allow nmap \*\*, children none \(new-ls, .*changed\.csv:\d+\)/);
    expect(code).toBe(0);
  });

  it('refuses rules that do not check, with file and line', () => {
    const { code, stdout } = s.run('policy', 'diff', file('broken.csv', 'p, a, b\n'));
    expect(stdout).toMatch(/broken\.csv:1: /);
    expect(code).toBe(1);
  });
});
