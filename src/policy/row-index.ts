import { glob } from './target.js';
import type { Row } from './types.js';

interface RoleRows {
  /** Rows by exact target or group name; `*` among them. */
  exact: Map<string, number[]>;
  patterns: Map<string, number[]>;
}

/** Finds the rows of some roles on a target; what it costs follows the answer, not the number of rules. */
export class RowIndex {
  readonly #rows: Row[] = [];
  readonly #roles = new Map<string, RoleRows>();

  /** Rows are added in the order of the file. */
  add(row: Row): void {
    const at = this.#rows.push(row) - 1;
    let role = this.#roles.get(row.role);
    if (role === undefined) {
      role = { exact: new Map(), patterns: new Map() };
      this.#roles.set(row.role, role);
    }
    const isPattern = row.target !== '*' && row.target.includes('*');
    const map = isPattern ? role.patterns : role.exact;
    const list = map.get(row.target);
    if (list) list.push(at);
    else map.set(row.target, [at]);
  }

  /** In the order of the file; rows of role `*` always among them. `names` is the target and its groups. */
  find(roles: Iterable<string>, names: readonly string[]): Row[] {
    const found: number[] = [];
    for (const name of new Set([...roles, '*'])) {
      const role = this.#roles.get(name);
      if (role) collect(role, names, found);
    }
    return found.sort((a, b) => a - b).map((at) => this.#rows[at] as Row);
  }
}

function collect(role: RoleRows, names: readonly string[], found: number[]): void {
  for (const name of new Set(['*', ...names])) {
    for (const at of role.exact.get(name) ?? []) found.push(at);
  }
  for (const [pattern, rows] of role.patterns) {
    if (names.some((name) => glob(pattern, name))) for (const at of rows) found.push(at);
  }
}
