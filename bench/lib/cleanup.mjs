/** What was started is stopped, newest first, however the run ends. */
import { treeOf } from './processes.mjs';

const tasks = [];

export const onCleanup = (task) => void tasks.push(task);

export async function cleanUp() {
  while (tasks.length > 0) {
    try {
      await tasks.pop()();
    } catch (error) {
      process.stderr.write(`bench: cleaning up: ${error.message}\n`);
    }
  }
}

/** Ends a child, all that runs below it, and waits: asks the child first, and kills after `patience` ms. */
export async function stopTree(child, { signal = 'SIGTERM', patience = 5_000 } = {}) {
  const tree = treeOf(child.pid);
  await stopChild(child, signal, patience);
  for (const pid of tree) {
    try {
      if (pid !== child.pid) process.kill(pid, 'SIGKILL');
    } catch {}
  }
}

function stopChild(child, signal, patience) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill(signal);
  });
}
