import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Scratch, sallyport, scratch } from './run.js';

let at: Scratch;
beforeEach(() => {
  at = scratch();
});
afterEach(() => at.remove());

const mode = (path: string) => statSync(join(at.home, path)).mode & 0o777;

describe('init', () => {
  it('makes a home whose secrets are private and whose policy checks', () => {
    const made = at.run('init', '--listen', '127.0.0.1:2345');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(at.home, 'sallyport.yaml'), 'utf8')).toContain('listen: 127.0.0.1:2345');
    for (const path of ['state', 'recordings']) expect(mode(path)).toBe(0o700);
    for (const path of ['state/host_key', 'state/signing_key.pem', 'state/store.json']) expect(mode(path)).toBe(0o600);
    expect(at.run('policy', 'check')).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints the fingerprint that ssh-keygen shows of the host key', () => {
    const { stdout } = at.run('init');
    const shown = spawnSync('ssh-keygen', ['-l', '-f', join(at.home, 'state/host_key')], { encoding: 'utf8' }).stdout;
    const [, fingerprint = 'none'] = shown.split(' ');
    expect(stdout).toContain(fingerprint);
  });

  it('adds the first user with the roles of the shipped policy, without end', () => {
    expect(at.run('init', '--user', 'alice', '--key', at.key).code).toBe(0);
    const shown = at.json('user', 'show', 'alice') as { grants: { role: string; until?: string }[] };
    expect(shown.grants.map((g) => [g.role, g.until])).toEqual([
      ['admin', undefined],
      ['engineer', undefined],
    ]);
    expect(at.run('explain', 'alice', 'local', '--', '@admin:kill').code).toBe(0);
    expect(at.run('explain', 'alice', 'local', '--', '@session').code).toBe(0);
  });

  it('never overwrites', () => {
    expect(at.run('init').code).toBe(0);
    const before = readFileSync(join(at.home, 'state/host_key'), 'utf8');
    const again = at.run('init');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('never overwrites');
    expect(readFileSync(join(at.home, 'state/host_key'), 'utf8')).toBe(before);
  });

  it('leaves nothing behind when it cannot finish, and nothing of others changed', () => {
    mkdirSync(at.home);
    writeFileSync(join(at.home, 'mine.txt'), 'mine');
    const bad = join(at.dir, 'bad.pub');
    writeFileSync(bad, 'ssh-ed25519 not-a-key\n');
    for (const args of [
      ['--user', 'alice', '--key', bad],
      ['--user', 'Not A Name', '--key', at.key],
      ['--user', 'alice', '--key', join(at.dir, 'key')],
      ['--user', 'alice', '--key', join(at.dir, 'missing')],
      ['--user', 'alice'],
      ['--listen', 'nonsense'],
    ]) {
      const ran = at.run('init', ...args);
      expect([1, 2]).toContain(ran.code);
      expect(ran.stderr).toMatch(/^sallyport: [^\n]+\n$/);
      expect(readdirSync(at.home)).toEqual(['mine.txt']);
    }
  });

  it('wants to be told where', () => {
    expect(sallyport(['init'])).toMatchObject({ code: 2 });
    const elsewhere = join(at.dir, 'by-env');
    expect(sallyport(['init'], { SALLYPORT_HOME: elsewhere }).code).toBe(0);
    expect(existsSync(join(elsewhere, 'sallyport.yaml'))).toBe(true);
  });
});
