import type { Problem } from '../core/errors.js';
import type { Edge } from './rows.js';

/** Who belongs to what, transitively. */
export class Graph {
  readonly #parents = new Map<string, string[]>();
  readonly #closures = new Map<string, string[]>();

  constructor(edges: readonly Edge[]) {
    for (const { member, role } of edges) {
      const parents = this.#parents.get(member);
      if (parents) parents.push(role);
      else this.#parents.set(member, [role]);
    }
  }

  /** Everything reachable from `name`, itself not included; nearest first. */
  above(name: string): string[] {
    const known = this.#closures.get(name);
    if (known) return known;
    const seen = new Set<string>(this.#parents.get(name));
    for (const next of seen) for (const parent of this.#parents.get(next) ?? []) seen.add(parent);
    seen.delete(name);
    const closure = [...seen];
    if (this.#parents.has(name)) this.#closures.set(name, closure);
    return closure;
  }
}

/** Edges that close a circle, as errors: a role that includes itself is a slip of the pen, and its reach unclear. */
export function findCycles(edges: readonly Edge[], kind: string): Problem[] {
  const out = new Map<string, Edge[]>();
  for (const edge of edges) {
    const list = out.get(edge.member);
    if (list) list.push(edge);
    else out.set(edge.member, [edge]);
  }
  const state = new Map<string, 'open' | 'done'>();
  const problems: Problem[] = [];
  for (const start of out.keys()) {
    if (!state.has(start)) problems.push(...circlesFrom(start, out, state, kind));
  }
  return problems;
}

/** Depth first, with a stack of our own: a chain of roles may be long. */
function circlesFrom(
  start: string,
  out: Map<string, Edge[]>,
  state: Map<string, 'open' | 'done'>,
  kind: string,
): Problem[] {
  const problems: Problem[] = [];
  const stack = [{ name: start, next: 0 }];
  state.set(start, 'open');
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const edge = out.get(top.name)?.[top.next++];
    if (edge === undefined) {
      state.set(top.name, 'done');
      stack.pop();
    } else if (state.get(edge.role) === 'open') {
      const message = `${edge.member} belongs to ${edge.role}, which already belongs to ${edge.member}; remove one of the ${kind} rows`;
      problems.push({ file: edge.file, line: edge.line, message, severity: 'error' });
    } else if (!state.has(edge.role)) {
      state.set(edge.role, 'open');
      stack.push({ name: edge.role, next: 0 });
    }
  }
  return problems;
}
