import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createLookup, type FileInfo, type FileView, resolveProgram } from '../../src/gate/index.js';
import { isSoundWay } from '../../src/gate/trust.js';
import { FakeClock } from '../helpers/fake-clock.js';

type Entry = [kind: FileInfo['kind'], uid?: number, mode?: number, target?: string];
const view = (entries: Record<string, Entry>): FileView => ({
  lstat(path) {
    const entry = path === '/' ? (['dir'] as Entry) : entries[path];
    if (entry === undefined) return undefined;
    return { kind: entry[0], uid: entry[1] ?? 0, gid: 50, mode: entry[2] ?? 0o755 };
  },
  readlink: (path) => entries[path]?.[3],
});
const who = { uid: 1000, gids: [1000, 20] };
const tree: Record<string, Entry> = {
  '/usr': ['dir'],
  '/usr/bin': ['dir'],
  '/usr/bin/ls': ['file'],
  '/bin': ['link', 0, 0o777, 'usr/bin'],
  '/usr/bin/vi': ['link', 0, 0o777, '/etc/alternatives/vi'],
  '/etc': ['dir'],
  '/etc/alternatives': ['dir'],
  '/etc/alternatives/vi': ['link', 0, 0o777, '../../usr/bin/vim.basic'],
  '/usr/bin/vim.basic': ['file'],
  '/usr/bin/mine': ['file', 1000],
  '/usr/bin/all': ['file', 0, 0o777],
  '/usr/bin/staff': ['file', 0, 0o775],
  '/tmp': ['dir', 0, 0o1777],
  '/tmp/ls': ['file'],
  '/tmp/safe': ['dir'],
  '/tmp/safe/ls': ['file'],
  '/tmp/vi': ['link', 0, 0o777, '/usr/bin/vi'],
  '/loop': ['link', 0, 0o777, '/loop'],
};

describe('the names an allow row may believe', () => {
  test.each([
    ['/usr/bin/ls', '/usr/bin/ls', ['ls'], ['ls']],
    ['/bin/ls', '/usr/bin/ls', ['ls'], ['ls']],
    ['/usr/../bin/./ls', '/usr/bin/ls', ['ls'], ['ls']],
    ['/usr/bin/vi', '/usr/bin/vim.basic', ['vi', 'vim.basic'], ['vi', 'vim.basic']],
    ['/usr/bin/mine', '/usr/bin/mine', ['mine'], []],
    ['/usr/bin/all', '/usr/bin/all', ['all'], []],
    ['/usr/bin/staff', '/usr/bin/staff', ['staff'], ['staff']],
    ['/tmp/ls', '/tmp/ls', ['ls'], []],
    ['/tmp/safe/ls', '/tmp/safe/ls', ['ls'], []],
    ['/tmp/vi', '/usr/bin/vim.basic', ['vi', 'vim.basic'], []],
  ])('%s', (path, resolved, names, trustedNames) => {
    expect(resolveProgram(path, undefined, who, view(tree))).toEqual({ path: resolved, names, trustedNames });
  });

  test('a group of the account that may write takes the trust away', () => {
    const staff = { uid: 1000, gids: [1000, 50] };
    expect(resolveProgram('/usr/bin/staff', undefined, staff, view(tree))?.trustedNames).toEqual([]);
  });

  test('so does an access list, under whose mask the group bit stands', () => {
    const listed = (path: string, mode: number): FileView => ({
      ...view(tree),
      lstat: (p) => ({ ...(view(tree).lstat(p) as FileInfo), ...(p === path && { acl: true, mode }) }),
    });
    const trusted = (v: FileView) => resolveProgram('/usr/bin/ls', undefined, who, v)?.trustedNames;
    expect(trusted(listed('/usr/bin/ls', 0o775))).toEqual([]);
    expect(trusted(listed('/usr/bin', 0o775))).toEqual([]);
    expect(trusted(listed('/usr/bin', 0o755))).toEqual(['ls']);
  });

  test.each([
    ['/usr/bin/ls', true],
    ['/bin/vi', true],
    ['/tmp/safe/ls', false],
    ['/tmp/vi', false],
    ['/none', false],
    ['/loop', false],
  ])('the way to %s is beyond the account: %s', (path, sound) => {
    expect(isSoundWay(path, who, view(tree))).toBe(sound);
  });

  test('argv[0] adds a name, never a trusted one', () => {
    expect(resolveProgram('/usr/bin/ls', '-rm', who, view(tree))).toMatchObject({
      names: ['ls', '-rm'],
      trustedNames: ['ls'],
    });
  });

  test.each(['/usr/bin', '/usr/bin/ls/x', '/none', '/loop', '/'])('%s is no program', (path) => {
    expect(resolveProgram(path, undefined, who, view(tree))).toBeUndefined();
  });
});

describe('the lookup of a typed name', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lookup-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'bin'));
  for (const name of ['tool', 'data']) writeFileSync(join(dir, 'bin', name), '#!/bin/sh\n');
  chmodSync(join(dir, 'bin/tool'), 0o755);
  symlinkSync('tool', join(dir, 'bin/alias'));
  const clock = new FakeClock();
  const lookup = createLookup({ uid: 65_533, gids: [65_533] }, clock);

  test('searches PATH in order, for files that can be run', () => {
    expect(lookup('tool', `/none:${dir}/bin`)?.path).toBe(join(dir, 'bin/tool'));
    expect(lookup('alias', `${dir}/bin`)?.names).toEqual(['alias', 'tool']);
    expect(lookup('data', `${dir}/bin`)).toBeUndefined();
    expect(lookup('./bin/tool', '', dir)?.path).toBe(join(dir, 'bin/tool'));
    expect(lookup('tool', '', join(dir, 'bin'))?.path).toBe(join(dir, 'bin/tool'));
    expect(lookup('./bin/tool', '')).toBeUndefined();
    expect(lookup('', '/usr/bin')).toBeUndefined();
    expect(lookup('\0', '/usr/bin')).toBeUndefined();
  });

  test('finds what the shell finds, trusted', () => {
    const found = lookup('ls', '/usr/local/bin:/usr/bin:/bin');
    expect(found?.path).toBe(execFileSync('realpath', ['/usr/bin/ls'], { encoding: 'utf8' }).trim());
    expect(found?.trustedNames).toContain('ls');
  });

  test('forgets after a second', () => {
    expect(lookup('late', `${dir}/bin`)).toBeUndefined();
    writeFileSync(join(dir, 'bin/late'), '', { mode: 0o755 });
    expect(lookup('late', `${dir}/bin`)).toBeUndefined();
    clock.advance(1_001);
    expect(lookup('late', `${dir}/bin`)?.names).toEqual(['late']);
  });
});
