import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { createSshDoor, generateHostKey, hostKeyFingerprint, type SshHooks } from '../../src/ssh/index.js';

const dir = mkdtempSync(join(tmpdir(), 'sallyport-host-key-'));
afterAll(() => rmSync(dir, { recursive: true }));

const hooks: SshHooks = {
  probe: async () => false,
  login: async () => undefined,
  session: () => {},
  authenticated: () => {},
  closed: () => {},
};
const open = (hostKey: string) =>
  createSshDoor(
    {
      hostKey,
      clock: systemClock(),
      limits: { loginGraceMs: 1, authTries: 1, channelsPerConnection: 1 },
      envAllow: () => false,
    },
    hooks,
  );
const saved = (name: string, text: string) => {
  const file = join(dir, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

test('ssh-keygen reads a made key, and finds the same fingerprint; so does the door', () => {
  for (let i = 0; i < 20; i += 1) {
    const pem = generateHostKey();
    const file = saved(`made-${i}`, pem);
    const listed = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' });
    expect(listed).toContain(` ${hostKeyFingerprint(pem)} `);
    expect(execFileSync('ssh-keygen', ['-yf', file], { encoding: 'utf8' })).toMatch(/^ssh-ed25519 /);
    open(pem).close();
  }
});

test('a key made by ssh-keygen serves as well', () => {
  const file = join(dir, 'theirs');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  const theirs = execFileSync('cat', [file], { encoding: 'utf8' });
  expect(execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' })).toContain(hostKeyFingerprint(theirs));
  open(theirs).close();
});

test('anything else is refused in words, never used', () => {
  const locked = join(dir, 'locked');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', locked]);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  for (const text of [
    '',
    'rubbish',
    rsa.toString(),
    generateHostKey().slice(0, 120),
    execFileSync('cat', [locked], { encoding: 'utf8' }),
  ]) {
    expect(() => open(text)).toThrow(/the host key is not an ed25519 private key/);
  }
  expect(() => hostKeyFingerprint('rubbish')).toThrow(/host key/);
});
