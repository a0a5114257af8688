import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../core/clock.js';
import type { RunOrder } from '../wire/messenger.js';
import { DeliveryError } from './types.js';

/** Of what a command complains, for the operator. Unit: characters. */
const MAX_COMPLAINT = 200;
/** What its stderr gets to be read to the end. Unit: ms. */
const LAST_WORDS_MS = 200;

/** Commands that run now, as leaders of process groups. */
const running = new Set<number>();

/**
 * Runs a program without a shell, `input` on its stdin, in a process group of its own. What it leaves of the group when it ends or
 * when its time is over is killed. Rejects with a DeliveryError when it could not start or ends with anything but 0; it is
 * not run again then, for nobody knows what it has done.
 */
export function runCommand({ argv, input, timeoutMs }: Omit<RunOrder, 'type' | 'q'>, clock: Clock): Promise<void> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env, cwd: '/', detached: true });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    let late = false;
    const timer = clock.after(timeoutMs, () => {
      late = true;
      killGroup(pid);
    });
    const complaint = listen(child);
    const end = (failure?: string) => {
      timer.cancel();
      if (pid !== undefined) running.delete(pid);
      if (failure === undefined) resolve();
      else reject(new DeliveryError(failure, false));
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', () => {
      killGroup(pid);
      // Whoever left the group may hold the other end of stderr for ever.
      clock.after(LAST_WORDS_MS, () => child.stderr?.destroy());
    });
    child.once('close', (code, signal) => {
      if (late) return end(`killed: it took longer than ${timeoutMs} ms`);
      const said = complaint();
      end(code === 0 ? undefined : `it ended with ${signal ?? code}${said === '' ? '' : `: ${said}`}`);
    });
    // A program need not read.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** What the messenger started ends with it. */
export function killCommands(): void {
  for (const pid of running) killGroup(pid);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
}

function listen(child: ChildProcess): () => string {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.length < MAX_COMPLAINT) said += chunk.toString('utf8').slice(0, MAX_COMPLAINT - said.length);
  });
  return () => said.trim();
}
