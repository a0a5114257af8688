/** Debian's sudo as a contender: its sudoers and one line more, in a mount namespace, so that the machine's own file is never touched. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const SUDO = {
  trace: { name: 'sudo, intercept (trace)', lines: 'Defaults intercept, intercept_type=trace' },
  dso: { name: 'sudo, intercept (dso)', lines: 'Defaults intercept, intercept_type=dso' },
  log: { name: 'sudo, log_subcmds', lines: 'Defaults log_subcmds' },
  neither: { name: 'sudo, neither', lines: '' },
};

export const SUDO_NOTE =
  "sudo: Debian's sudoers with one Defaults line more, as root to nobody; no syslog daemon runs, so that sudo's log lines cost it next to nothing.";

/** A function that runs a script as nobody and resolves with what it prints. */
export function sudoRunner({ lines }, dir, at) {
  const sudoers = join(dir, `sudoers-${at}`);
  writeFileSync(sudoers, `${readFileSync('/etc/sudoers', 'utf8')}\n${lines}\n`, { mode: 0o440 });
  execFileSync('visudo', ['-c', '-q', '-f', sudoers]);
  chmodSync(sudoers, 0o440);
  const script = 'mount --bind "$1" /etc/sudoers && exec sudo -n -u nobody /bin/bash -c "$2"';
  return (line) => spawnText('unshare', ['-m', 'sh', '-c', script, 'sh', sudoers, line]);
}

function spawnText(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        text += data;
      });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}
