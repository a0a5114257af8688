import { Enforcer, FunctionMap, newModelFromString } from 'casbin';
import type { CheckedModel } from './model.js';
import type { CompiledRow } from './row-set.js';

/** One question on its way through casbin: what the matcher's functions ask back, and the rules that matched. */
export interface Ask {
  holds(role: string): boolean;
  onTarget(pattern: string): boolean;
  runs(row: CompiledRow): boolean;
  when(row: CompiledRow): boolean;
  readonly matched: CompiledRow[];
  /** What a narrowed model may look at. */
  readonly user: string;
  readonly target: string;
  /** First word of a command, or the action. */
  readonly command: string;
}

/**
 * Casbin over a fixed set of rules. It is the one place that calls casbin, so that nothing else meets its untyped
 * arguments, and so that it never meets an empty policy (which some matchers would allow everything on).
 */
export class RuleEnforcer {
  readonly #casbin: BareEnforcer | undefined;

  constructor(model: CheckedModel, rows: readonly CompiledRow[]) {
    if (rows.length === 0) return;
    this.#casbin = new BareEnforcer(functionsOver(rows));
    const casbinModel = newModelFromString(model.casbin);
    // addPolicy() would look for each rule among all the others first.
    casbinModel.addPolicies('p', 'p', rows.map(fieldsOf));
    this.#casbin.setModel(casbinModel);
  }

  /** Whether casbin allows; `ask.matched` then holds what matched, up to and with the first deny. May throw. */
  allows(ask: Ask): boolean {
    if (this.#casbin === undefined) return false;
    const answer: unknown = this.#casbin.enforceExSync(ask.user, ask.target, ask.command, ask)[0];
    return answer === true;
  }
}

function fieldsOf({ row }: CompiledRow): string[] {
  return [row.id, row.role, row.target, row.command, row.when, row.effect, row.children];
}

/** Casbin's built-in functions are left out: among them is an unanchored, backtracking regexMatch. */
class BareEnforcer extends Enforcer {
  constructor(functions: FunctionMap) {
    super();
    this.fm = functions;
  }
}

function functionsOver(rows: readonly CompiledRow[]): FunctionMap {
  const byCommand = new Map(rows.map((row) => [`${row.row.effect} ${row.row.command}`, row]));
  const byCondition = new Map(rows.map((row) => [`${row.row.effect} ${row.row.when}`, row]));
  const byId = new Map(rows.map((row) => [row.row.id, row]));
  const functions = new FunctionMap();
  functions.addFunction('holds', (ask: Ask, role: string) => ask.holds(role));
  functions.addFunction('onTarget', (ask: Ask, pattern: string) => ask.onTarget(pattern));
  functions.addFunction('runs', (ask: Ask, command: string, effect: string) =>
    ask.runs(get(byCommand, `${effect} ${command}`)),
  );
  functions.addFunction('when', (ask: Ask, when: string, effect: string) =>
    ask.when(get(byCondition, `${effect} ${when}`)),
  );
  functions.addFunction('matched', (ask: Ask, id: string) => ask.matched.push(get(byId, id)) > 0);
  return functions;
}

function get(rows: Map<string, CompiledRow>, key: string): CompiledRow {
  const row = rows.get(key);
  if (row === undefined) throw new Error(`no rule for ${key}`);
  return row;
}
