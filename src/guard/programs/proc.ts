import { readFileSync } from 'node:fs';

/** True when the process is in the foreground of its terminal. */
export function holdsTerminal(pid: number): boolean {
  const { group, foreground } = jobOf(pid);
  return group !== undefined && group === foreground;
}

/** True when it is in the foreground of the terminal that `leader` has, not of one within it (script, tmux). */
export function holdsTerminalOf(leader: number, pid: number): boolean {
  const { terminal } = jobOf(leader);
  return terminal !== undefined && terminal !== '0' && jobOf(pid).terminal === terminal && holdsTerminal(pid);
}

function jobOf(pid: number): { group?: string; terminal?: string; foreground?: string } {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything: state, ppid, pgrp, session, tty and tpgid follow it.
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group && terminal && foreground ? { group, terminal, foreground } : {};
}

export interface Status {
  /** Number of the process a thread belongs to. */
  tgid: number;
  ppid: number;
  /** The process's number in its own namespace. */
  inner: number;
}

export function statusOf(pid: number): Status | undefined {
  const text = read(`/proc/${pid}/status`);
  const field = (name: RegExp) => Number(name.exec(text)?.[1] ?? Number.NaN);
  const status = { tgid: field(/^Tgid:\t(\d+)/m), ppid: field(/^PPid:\t(\d+)/m), inner: field(/^NSpid:.*\t(\d+)$/m) };
  return Object.values(status).some(Number.isNaN) ? undefined : status;
}

/** Empty for a process that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
