import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Every process of one session, found by its pid namespace, whatever its name, parent or environment. */
export interface SessionProcesses {
  /** Of the host. Empty when nothing is left. */
  alive(): number[];
  /** Command lines, for messages of failed tests. */
  describe(): string[];
  /** Resolves when nothing is left; rejects with what is. */
  gone(timeoutMs?: number): Promise<void>;
}

const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function readOf<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const cmdline = (pid: number) => readOf(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
export const namespaceOf = (pid: number) => readOf(() => readlinkSync(`/proc/${pid}/ns/pid`));

/** The session must be running. Its namespace is held, so that its number is not given to another until `close`. */
export function processesOf(sid: string): SessionProcesses & { close(): void } {
  const mark = `SALLYPORT_SESSION=${sid}`;
  const own = namespaceOf(process.pid);
  const one = pids().find((pid) => {
    const environ = readOf(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    return environ?.split('\0').includes(mark) === true && namespaceOf(pid) !== own;
  });
  if (one === undefined) throw new Error(`no process of session ${sid}`);
  const held = openSync(`/proc/${one}/ns/pid`, 'r');
  const space = namespaceOf(one);
  const alive = () => pids().filter((pid) => namespaceOf(pid) === space && stateOf(pid) !== 'Z');
  const describe = () => alive().map((pid) => `${pid} ${cmdline(pid) ?? ''}`);
  return {
    alive,
    describe,
    async gone(timeoutMs = 5_000) {
      for (let waited = 0; alive().length > 0; waited += 20) {
        if (waited >= timeoutMs) throw new Error(`late: still running: ${describe().join('; ')}`);
        await sleep(20);
      }
    },
    close: () => closeSync(held),
  };
}

/** The letter of `/proc/PID/status`; undefined when there is no such process. */
export function stateOf(pid: number): string | undefined {
  return statusOf(pid).State?.[0];
}

/** The fields of `/proc/PID/status`; empty when there is no such process. */
export function statusOf(pid: number): Record<string, string> {
  const text = readOf(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  return Object.fromEntries(text.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]));
}

/** Resolves when `look` is true; rejects, saying `what`, when it does not become so. */
export async function until(what: string, look: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`late: not so after ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}

/** Numbers of the processes whose words are these and no others. */
export const running = (words: string): number[] => pids().filter((pid) => cmdline(pid)?.trim() === words);
