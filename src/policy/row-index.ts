import type { CompiledRow } from './row-set.js';
import { glob } from './target.js';
import type { Row } from './types.js';

/** Rules compiled between two turns of the event loop: a few ms. */
export const PIECE = 200;

interface RoleRows {
  /** Rows by exact target or group name; `*` among them. */
  exact: Map<string, number[]>;
  patterns: Map<string, number[]>;
}

/** Lists kept of what was found, and rows in all of them: sessions that hold the same roles share one. */
const MAX_LISTS = 4_096;
const MAX_LISTED = 2_000_000;

/** A list that an index found and keeps. */
interface Found {
  index: RowIndex;
  /** Of each row, in the index. */
  places: Uint32Array;
}

const lists = new WeakMap<readonly Row[], Found>();

/** What `compile` makes of each row of a list that an index found, once for the index; undefined for any other list. */
export function* compiledOnce(
  rows: readonly Row[],
  labelsKey: string,
  compile: (row: Row) => CompiledRow,
): Generator<void, CompiledRow[] | undefined> {
  const found = lists.get(rows);
  return found && (yield* found.index.compiled(found.places, labelsKey, compile));
}

/** Finds the rows of some roles on a target; what it costs follows the answer, not the number of rules. */
export class RowIndex {
  readonly #rows: Row[] = [];
  readonly #roles = new Map<string, RoleRows>();
  readonly #found = new Map<string, readonly Row[]>();
  #listed = 0;
  #compiled: (CompiledRow | undefined)[] = [];
  #labelsKey = '';

  /** Rows are added in the order of the file, before anything is looked for. */
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
  find(roles: Iterable<string>, names: readonly string[]): readonly Row[] {
    const wanted = [...new Set([...roles, '*'])].sort();
    const key = JSON.stringify([wanted, names]);
    const known = this.#found.get(key);
    return known ?? this.#keep(key, this.#collect(wanted, names));
  }

  /** Yields after each piece of what had to be compiled. */
  *compiled(
    places: Uint32Array,
    labelsKey: string,
    compile: (row: Row) => CompiledRow,
  ): Generator<void, CompiledRow[]> {
    if (labelsKey !== this.#labelsKey) this.#compiled = [];
    this.#labelsKey = labelsKey;
    const known = this.#compiled;
    const rows = new Array<CompiledRow>(places.length);
    let fresh = 0;
    let next = 0;
    for (const at of places) {
      let row = known[at];
      if (row === undefined) {
        row = compile(this.#rows[at] as Row);
        known[at] = row;
        fresh += 1;
        if (fresh % PIECE === 0) yield;
      }
      rows[next] = row;
      next += 1;
    }
    return rows;
  }

  #collect(roles: readonly string[], names: readonly string[]): Uint32Array {
    const found: number[] = [];
    for (const name of roles) {
      const role = this.#roles.get(name);
      if (role) collect(role, names, found);
    }
    return Uint32Array.from(found).sort();
  }

  #keep(key: string, places: Uint32Array): readonly Row[] {
    if (this.#found.size >= MAX_LISTS || this.#listed >= MAX_LISTED) {
      this.#found.clear();
      this.#listed = 0;
    }
    const list = Object.freeze(Array.from(places, (at) => this.#rows[at] as Row));
    lists.set(list, { index: this, places });
    this.#found.set(key, list);
    this.#listed += list.length;
    return list;
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
