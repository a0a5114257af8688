import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { onCleanup, stopTree } from './cleanup.mjs';
import { benchFile } from './paths.mjs';
import { treeOf } from './processes.mjs';
import { accepts } from './sshd.mjs';
import { freePort, NOBODY } from './workspace.mjs';

export async function startBare({ dir, shellHome, publicKeyFile }) {
  const port = await freePort();
  const hostKey = join(dir, 'bare-host-key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey]);
  const args = [benchFile('bare-server.mjs'), String(port), hostKey, publicKeyFile, shellHome, String(NOBODY)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  onCleanup(() => stopTree(child));
  await accepts(port);
  return { name: 'bare ssh2', port, user: 'bench', processes: () => treeOf(child.pid) };
}
