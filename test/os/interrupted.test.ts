import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compiledDir } from '../helpers/compiled.js';

/** In a process of its own: a worker of the tests would not be the thread that gets the signals. */
const LOOKER = (dir: string) => `
import { spawn } from 'node:child_process';
import { hangBell } from '${dir}/os/child-signal.js';
import { pidfdGone, pidfdOpen } from '${dir}/os/process.js';
const noise = spawn('bash', ['-c', 'while kill -CHLD ' + process.pid + '; do :; done'], { stdio: 'ignore' });
await new Promise((done) => noise.once('spawn', done));
hangBell();
const self = pidfdOpen(process.pid);
const until = Date.now() + 1_500;
let looks = 0;
while (Date.now() < until) for (let i = 0; i < 1_000; i += 1) { if (pidfdGone(self)) throw new Error('gone'); looks += 1; }
noise.kill('SIGKILL');
console.log(looks > 1_000 ? 'held' : 'hardly looked');
process.exit(0);
`;

test('a signal that comes while it is looked whether a process is gone changes nothing', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-os-'));
  try {
    const script = join(dir, 'looker.mjs');
    writeFileSync(script, LOOKER(compiledDir()));
    // The number the bell takes is a pipe's till then.
    const stdio = [
      'ignore',
      'pipe',
      'inherit',
      ...Array.from({ length: 14 }, () => 'ignore' as const),
      'pipe',
    ] as const;
    expect(execFileSync(process.execPath, [script], { stdio: [...stdio], encoding: 'utf8' })).toBe('held\n');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
