import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { formatProblem, SallyportError } from '../core/errors.js';
import type { Scene } from './decide.js';
import { Holdings } from './holdings.js';
import { Memo } from './memo.js';
import { checkModel } from './model.js';
import { type CompiledRow, compileRow, RowSet } from './row-set.js';
import type { BaseFacts, Decision, Question, Rights, RightsData } from './types.js';

/** Row sets in use or lately used; sessions of one role on one target share one. */
const MAX_SETS = 512;
/** Rules compiled between two turns of the event loop: a few ms. */
const PIECE = 200;

const sets = new Map<string, RowSet>();

/**
 * Compiles the rights of a session. Rules are compiled in pieces, so that a big set does not hold up other sessions.
 * Rejects with a SallyportError when the model or a rule does not check: a keeper never sends such.
 */
export async function compileRights(data: RightsData): Promise<Rights> {
  return new SessionRights(data, await rowSetOf(data));
}

/** Deciding for one session. */
export class SessionRights implements Rights {
  readonly data: RightsData;
  readonly scene: Scene;
  readonly #memo: Memo;

  constructor(data: RightsData, set: RowSet) {
    this.data = data;
    this.scene = { data, set, holdings: new Holdings(data) };
    this.#memo = new Memo(this.scene);
  }

  decide(question: Question, atMs: number): Decision {
    return this.#memo.decide(question, atMs);
  }

  /** The same rules and roles over other facts. */
  withFacts(facts: BaseFacts): SessionRights {
    return new SessionRights({ ...this.data, facts }, this.scene.set);
  }
}

async function rowSetOf(data: RightsData): Promise<RowSet> {
  const key = keyOf(data);
  const known = sets.get(key);
  if (known) {
    // Moved to the end: the first of the map is the one longest unused.
    sets.delete(key);
    sets.set(key, known);
    return known;
  }
  const set = await compileSet(data);
  const oldest = sets.keys().next().value;
  if (sets.size >= MAX_SETS && oldest !== undefined) sets.delete(oldest);
  sets.set(key, set);
  return set;
}

function keyOf(data: RightsData): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([data.model, data.labels ?? null]));
  for (const row of data.rows) hash.update(JSON.stringify(row));
  return hash.digest('base64');
}

async function compileSet(data: RightsData): Promise<RowSet> {
  const { model, problems } = checkModel(data.model, 'model');
  const problem = problems[0];
  if (model === undefined) {
    throw new SallyportError('failed', `the rights cannot be used: ${problem ? formatProblem(problem) : 'bad model'}`);
  }
  const labelsKey = JSON.stringify(data.labels ?? null);
  const ids = new Set<string>();
  const rows: CompiledRow[] = [];
  for (const row of data.rows) {
    if (ids.has(row.id)) throw new SallyportError('failed', `the rights hold the rule ${row.id} twice`);
    ids.add(row.id);
    // Casbin takes any other word for no effect at all.
    if (row.effect !== 'allow' && row.effect !== 'deny') {
      throw new SallyportError('failed', `the rights hold the rule ${row.id} with an unknown effect`);
    }
    rows.push(compileRow(row, data.labels, labelsKey));
    if (rows.length % PIECE === 0) await setImmediate();
  }
  return new RowSet(model, rows);
}
