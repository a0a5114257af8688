import type { Reply } from '../control/admin-port.js';
import { formatDuration } from '../core/duration.js';
import { escapeText, showArgv } from '../core/escape.js';

type Detail = Reply<'session'>;
type Process = NonNullable<Detail['processes']>[number];

/** Deeper than this, processes stand side by side. */
const MAX_DEPTH = 40;

/** The processes of a session, each below the one that started it, with the rule that allowed it. */
export function processLines(detail: Detail, nowMs: number): string[] {
  const { processes, moreProcesses = 0, processesNote } = detail;
  const lines = processes ? draw(processes, nowMs) : [];
  if (moreProcesses > 0) lines.push(`and ${moreProcesses} more`);
  if (processesNote !== undefined) lines.push(`processes: ${escapeText(processesNote)}`);
  return lines.length > 0 ? lines : ['no processes'];
}

function draw(processes: readonly Process[], nowMs: number): string[] {
  const byParent = new Map<number, Process[]>();
  const known = new Set(processes.map((p) => p.pid));
  for (const process of processes) {
    const parent = known.has(process.ppid) ? process.ppid : 0;
    byParent.set(parent, [...(byParent.get(parent) ?? []), process]);
  }
  const lines: string[] = [];
  const left = new Set(processes);
  const open = [{ parent: 0, indent: '', depth: 0 }].flatMap((at) => below(at, byParent));
  for (let next = open.shift(); next; next = open.shift()) {
    const { process, indent, branch } = next;
    left.delete(process);
    lines.push(`${indent}${branch}${line(process, nowMs)}`);
    const deeper = next.depth < MAX_DEPTH ? `${indent}${branch === '' ? '' : next.last ? '   ' : '│  '}` : indent;
    open.unshift(...below({ parent: process.pid, indent: deeper, depth: next.depth + 1 }, byParent));
  }
  // What was read while parents changed may hang together in a ring.
  for (const process of left) lines.push(line(process, nowMs));
  return lines;
}

interface Spot {
  parent: number;
  indent: string;
  depth: number;
}

function below({ parent, indent, depth }: Spot, byParent: ReadonlyMap<number, readonly Process[]>) {
  const list = [...(byParent.get(parent) ?? [])].sort((a, b) => a.pid - b.pid);
  return list.map((process, i) => {
    const last = i === list.length - 1;
    return { process, indent, depth, last, branch: depth === 0 ? '' : last ? '└─ ' : '├─ ' };
  });
}

function line(process: Process, nowMs: number): string {
  const since = formatDuration(nowMs - Date.parse(process.startedAt));
  return `${process.pid} ${showArgv(process.argv)}  [${whyOf(process)}, ${since}]`;
}

function whyOf({ why, rule, children }: Process): string {
  if (why === 'shell') return "the session's shell";
  if (why === 'unknown') return 'not known: it began or ended just now';
  const under = children === 'checked' ? '' : `, children ${children}`;
  return why === 'trusted' ? `trusted by its parent${under}` : `rule ${escapeText(rule ?? '')}${under}`;
}
