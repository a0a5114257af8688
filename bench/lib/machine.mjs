import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

const firstLine = (command, args) => {
  try {
    return execFileSync('sh', ['-c', `${command} ${args} 2>&1`], { encoding: 'utf8' }).split('\n')[0];
  } catch {
    return `${command}: none`;
  }
};

/** What the numbers were taken on; no names of machines or people. */
export function describeMachine() {
  const cores = cpus();
  return [
    `- date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `- machine: ${cores.length} × ${cores[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `- kernel ${release()}, node ${process.version}, ${firstLine('ssh', '-V')}, ${firstLine('sudo', '-V')}, ${firstLine('bwrap', '--version')}`,
    `- load before: ${loadavg()
      .map((l) => l.toFixed(2))
      .join(' ')}`,
  ].join('\n');
}
