/** Processes seen through /proc. Whatever vanishes while it is read counts as gone. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const attempt = (fn) => {
  try {
    return fn();
  } catch {
    return undefined;
  }
};

export const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

export function parentOf(pid) {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

export const nameOf = (pid) => attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
export const argvOf = (pid) => attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1));
export const namespaceOf = (pid) => attempt(() => readlinkSync(`/proc/${pid}/ns/pid`));

/** `root` and everything below it. */
export function treeOf(root) {
  const children = new Map();
  for (const pid of pids()) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [];
  const visit = (pid) => {
    found.push(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(root);
  return found;
}

/** Proportional set size in KiB: shared pages are divided among their users. */
export function pssOf(pid) {
  const rollup = attempt(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(/^Pss:\s+(\d+)/m.exec(rollup ?? '')?.[1] ?? 0);
}

/** Namespace → its processes. */
export function byNamespace() {
  const found = new Map();
  for (const pid of pids()) {
    const ns = namespaceOf(pid);
    if (ns !== undefined) found.set(ns, [...(found.get(ns) ?? []), pid]);
  }
  return found;
}
