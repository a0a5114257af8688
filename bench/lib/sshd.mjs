/**
 * Debian's sshd as installed, but for what a run on a free port as a private instance needs. It gets a mount namespace
 * in which the account `nobody` has a shell and a home, so that its shells belong to whom the other contenders' do,
 * and no account of the machine is touched.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { onCleanup, stopTree } from './cleanup.mjs';
import { treeOf } from './processes.mjs';
import { until } from './stats.mjs';
import { freePort } from './workspace.mjs';

const config = (port, hostKey, keys, dir) => `
Port ${port}
ListenAddress 127.0.0.1
HostKey ${hostKey}
AuthorizedKeysFile ${keys}
PidFile ${join(dir, 'sshd.pid')}
StrictModes no
UsePAM no
MaxStartups 200
MaxSessions 200
PrintMotd no
LogLevel FATAL
`;

export async function startSshd({ dir, shellHome, publicKeyFile }) {
  const port = await freePort();
  const hostKey = join(dir, 'sshd-host-key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey]);
  const keys = join(dir, 'authorized_keys');
  writeFileSync(keys, readFileSync(publicKeyFile));
  chmodSync(keys, 0o644);
  const configFile = join(dir, 'sshd_config');
  writeFileSync(configFile, config(port, hostKey, keys, dir));
  const passwd = join(dir, 'passwd');
  writeFileSync(passwd, withShell(readFileSync('/etc/passwd', 'utf8'), shellHome));
  chmodSync(passwd, 0o644);
  const script =
    'mount --bind "$1" /etc/passwd && mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f "$2"';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sshd', passwd, configFile], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onCleanup(() => stopTree(child));
  await accepts(port);
  return {
    name: 'sshd',
    port,
    user: 'nobody',
    /** Everything below the listener that is not a shell. */
    processes: () => treeOf(child.pid),
  };
}

const withShell = (passwd, home) => passwd.replace(/^nobody:.*$/m, `nobody:x:65534:65534:nobody:${home}:/bin/bash`);

export const accepts = (port) =>
  until(
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => resolve(undefined));
        socket.on('data', () => {
          socket.destroy();
          resolve(true);
        });
      }),
    `port ${port}`,
    { every: 50 },
  );
