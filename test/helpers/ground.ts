/** Before and after every test: a directory of this run's own to work in, and nothing of it left when it is over. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long what tests have ended may take to be gone. Unit: ms. */
const PATIENCE_MS = 5_000;

/** Runs once, in vitest's first process; the workers inherit TMPDIR. Names are short: sockets' paths are limited. */
export default function setup(): () => Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'spt-'));
  // Tests that run as root give some of their work to users without privilege.
  chmodSync(scratch, 0o1777);
  process.env.TMPDIR = scratch;
  return async () => {
    let left = processesOf(scratch);
    for (let waited = 0; left.length > 0 && waited < PATIENCE_MS; waited += 100) {
      await sleep(100);
      left = processesOf(scratch);
    }
    rmSync(scratch, { recursive: true, force: true });
    if (left.length === 0) return;
    // What is thrown here, vitest shows and passes over.
    process.stderr.write(`tests left running:\n${left.join('\n')}\n`);
    process.exitCode = 1;
  };
}

/** Processes that name the directory in their words or their environment, but vitest's own. */
function processesOf(scratch: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const words = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
      const named = words.includes(scratch) || read(`/proc/${pid}/environ`).includes(scratch);
      const parent = Number(/^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
      return named && Number(pid) !== process.pid && parent !== process.pid ? [`${pid} ${words}`] : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
