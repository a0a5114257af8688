import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bin, type Scratch, sallyport, scratch } from './run.js';

let at: Scratch;
beforeAll(() => {
  at = scratch();
  at.run('init', '--user', 'alice', '--key', at.key);
});
afterAll(() => at.remove());

const ONE_LINE = /^sallyport: [^\n]+\n$/;

describe('exit codes', () => {
  it.each([
    ['an unknown command', 2, ['nosuch']],
    ['an unknown option', 2, ['grants', '--nosuch']],
    ['a missing argument', 2, ['grant']],
    ['a missing option', 2, ['grant', 'alice', '--role', 'engineer', '--reason', 'x']],
    ['no command at all', 2, []],
    ['a malformed duration', 2, ['grant', 'alice', '--role', 'engineer', '--for', '2 hours', '--reason', 'x']],
    [
      'a day that is not in the calendar',
      2,
      ['grant', 'alice', '--role', 'engineer', '--until', '2026-02-31', '--reason', 'x'],
    ],
    ['a moment that is past', 2, ['lock', '--everyone', '--until', '2020-01-01', '--reason', 'x']],
    ['a lock on nobody', 2, ['lock', '--reason', 'x']],
    ['a lock on two', 2, ['lock', '--user', 'alice', '--everyone', '--reason', 'x']],
    ['a malformed name', 2, ['user', 'show', 'Alice!']],
    ['a malformed role', 2, ['grant', 'alice', '--role', 'a,b', '--for', '1h', '--reason', 'x']],
    ['an empty reason', 2, ['lock', '--everyone', '--reason', ' ']],
    ['an unknown user', 3, ['user', 'show', 'bob']],
    ['an unknown grant', 3, ['revoke', 'zzz']],
    ['an unknown recording', 3, ['replay', '01']],
    ['a refused command', 4, ['explain', 'alice', 'local', '--', 'rm -rf /']],
    ['a broker that is needed and not there', 5, ['sessions']],
    ['a later command', 1, ['verify', 'x', '--whatever']],
  ])('tell %s: %i', (_what, code, args) => {
    const ran = at.run(...args);
    expect(ran.code).toBe(code);
    if (code !== 4) expect(ran.stderr).toMatch(ONE_LINE);
  });

  it('are 0 for help and version', () => {
    expect(sallyport(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const args of [['--help'], ['grant', '--help'], ['user', 'key', '--help']])
      expect(sallyport(args)).toMatchObject({ code: 0, stderr: '' });
  });

  it('tell a home that is not there', () => {
    expect(sallyport(['--home', join(at.dir, 'nothing'), 'grants']).code).toBe(1);
    expect(sallyport(['--home', join(at.dir, 'nothing'), 'audit']).code).toBe(3);
  });
});

describe('with the broker down', () => {
  it('grants, lists, revokes', () => {
    const given = at.run('grant', 'alice', '--role', 'viewer', '--for', '2h', '--reason', 'INC-7');
    expect(given).toMatchObject({ code: 0, stderr: '' });
    const [id = ''] = given.stdout.split('\n');
    const grants = at.json('grants', '--user', 'alice') as { id: string; reason: string; by: string; until?: string }[];
    const found = grants.find((g) => g.id === id);
    expect(found).toMatchObject({ reason: 'INC-7', user: 'alice', role: 'viewer', target: '*' });
    expect(Date.parse(found?.until ?? '') - Date.now()).toBeGreaterThan(7_100_000);
    expect(at.run('grants').stdout).toContain('INC-7');
    expect(at.run('revoke', id).stdout).toContain(`revoked ${id}`);
    expect(at.run('grants').stdout).not.toContain(id);
    expect(at.run('grants', '--all').stdout).toContain(id);
  });

  it('locks and unlocks', () => {
    const locked = at.run('lock', '--everyone', '--reason', 'fire', '--for', '1h');
    const [id = ''] = locked.stdout.split('\n');
    expect(at.run('locks').stdout).toContain('fire');
    expect(at.run('explain', 'alice', 'local', '--', 'ls').code).toBe(4);
    expect(at.run('unlock', id.slice(0, 20)).code).toBe(0);
    expect(at.run('locks').stdout).toBe('no locks\n');
    expect(at.run('explain', 'alice', 'local', '--', 'ls').code).toBe(0);
  });

  it('adds, shows and removes users and their keys', () => {
    expect(at.run('user', 'add', 'bob', '--key', at.key).code).not.toBe(0);
    const other = scratch();
    expect(at.run('user', 'add', 'bob', '--key', other.key, '--role', 'viewer')).toMatchObject({ code: 0, stderr: '' });
    const bob = at.json('user', 'show', 'bob') as { keys: { fp: string }[] };
    expect(at.run('user', 'key', 'remove', 'bob', bob.keys[0]?.fp ?? '').code).toBe(0);
    expect(at.run('user', 'key', 'add', 'bob', '--key', other.key, '--for', '30d').code).toBe(0);
    expect(at.run('user', 'show', 'bob').stdout).toMatch(/ends .*in 30d|ends .*in 29d/);
    expect(at.run('user', 'remove', 'bob', '--reason', 'left').code).toBe(0);
    expect(at.run('user', 'list').stdout).not.toContain('bob');
    other.remove();
  });

  it('leaves a trace of every act, with caller and reason', () => {
    at.run('lock', '--user', 'alice', '--reason', 'a reason \u001b[31mto escape');
    const events = at.run('--json', 'audit', '--event', 'admin').stdout.trim().split('\n');
    const last = JSON.parse(events.at(-1) ?? '');
    const by = process.getuid?.() === 0 ? 'root' : `uid ${process.getuid?.()}`;
    expect(last).toMatchObject({ event: 'admin', by, text: 'lock user alice', reason: 'a reason \u001b[31mto escape' });
    for (const verb of ['audit', 'locks']) {
      const { stdout } = at.run(verb);
      expect(stdout).toContain('a reason \\e[31mto escape');
      expect(stdout).not.toContain('\u001b');
    }
    at.run('unlock', '0');
  });

  it('lets many commands at once take turns at the store', async () => {
    const before = (at.json('grants', '--all') as unknown[]).length;
    const args = ['--home', at.home, 'grant', 'alice', '--role', 'viewer', '--for', '1h', '--reason', 'crowd'];
    const crowd = Array.from({ length: 5 }, () => spawn(process.execPath, [bin, ...args], { stdio: 'ignore' }));
    const codes = await Promise.all(crowd.map((child) => new Promise((resolve) => child.on('exit', resolve))));
    expect(codes).toEqual([0, 0, 0, 0, 0]);
    expect(at.json('grants', '--all')).toHaveLength(before + 5);
  });

  it('backs up and restores store and keys, never over a file', () => {
    const file = join(at.dir, 'backup');
    expect(at.run('backup', file).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(at.run('backup', file).code).toBe(1);
    at.run('user', 'remove', 'alice');
    expect(at.run('restore', file).code).toBe(0);
    expect(at.run('user', 'show', 'alice').code).toBe(0);
    expect(at.run('audit', '--event', 'restore').stdout).toContain('restored from');
  });
});

describe('bad files', () => {
  it('are named with their line, and nothing is changed', () => {
    const policy = join(at.home, 'policies/policy.csv');
    const good = readFileSync(policy, 'utf8');
    appendFileSync(policy, 'p, broken, engineer, *, *, true, alow, checked\n');
    const line = good.split('\n').length;
    const checked = at.run('policy', 'check');
    expect(checked.code).toBe(1);
    expect(checked.stdout).toContain(`policy.csv:${line}:`);
    const refused = at.run('grant', 'alice', '--role', 'viewer', '--for', '1h', '--reason', 'x');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`policy.csv:${line}:`);
    writeFileSync(policy, good);
  });

  it('include a damaged store, which is kept as it is', () => {
    const store = join(at.home, 'state/store.json');
    const good = readFileSync(store);
    writeFileSync(store, good.subarray(0, 40));
    const refused = at.run('user', 'list');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('store.json');
    expect(readFileSync(store)).toEqual(good.subarray(0, 40));
    writeFileSync(store, good);
  });
});

describe('the command line', () => {
  it('starts quickly', () => {
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      sallyport(['--help']);
      return performance.now() - start;
    });
    // Node alone takes 40 ms here; loading casbin, ssh2 or fastify would add hundreds. Best of five.
    expect(Math.min(...times)).toBeLessThan(500);
  });
});
