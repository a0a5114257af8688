/** A directory of one run, with a throwaway key for every user. Everything in it is gone afterwards. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onCleanup } from './cleanup.mjs';

export const NOBODY = 65_534;

export function makeWorkspace() {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  onCleanup(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o711);
  const shellHome = join(dir, 'shell-home');
  mkdirSync(shellHome, { mode: 0o700 });
  chownSync(shellHome, NOBODY, NOBODY);
  const keyFile = join(dir, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', keyFile]);
  return { dir, shellHome, keyFile, publicKeyFile: `${keyFile}.pub`, privateKey: readFileSync(keyFile) };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
