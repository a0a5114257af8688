import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { formatProblem, SallyportError } from '../core/errors.js';
import type { Scene } from './decide.js';
import { Holdings } from './holdings.js';
import { Memo } from './memo.js';
import { type CheckedModel, checkModel } from './model.js';
import { compiledOnce, PIECE } from './row-index.js';
import { type CompiledRow, compileRow, RowSet } from './row-set.js';
import type { BaseFacts, Decision, Labels, Question, Rights, RightsData, Row } from './types.js';

/** Row sets in use or lately used; sessions of one role on one target share one. */
const MAX_SETS = 512;

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

/** What was compiled of rules that came as one list, which several sessions may share and nobody alters. */
const byList = new WeakMap<readonly Row[], { model: string; labelsKey: string; set: RowSet }>();

async function rowSetOf(data: RightsData): Promise<RowSet> {
  const { rows, model } = data;
  const labelsKey = labelsKeyOf(data.labels);
  const known = byList.get(rows);
  if (known?.model === model && known.labelsKey === labelsKey) return known.set;
  // Rules of an index are known one by one; of what came over a link the text tells whether it is known.
  const set = (await fromIndex(data, labelsKey)) ?? (await byText(data, labelsKey));
  byList.set(rows, { model, labelsKey, set });
  return set;
}

async function byText(data: RightsData, labelsKey: string): Promise<RowSet> {
  const key = keyOf(data, labelsKey);
  const known = sets.get(key);
  if (known) {
    // Moved to the end: the first of the map is the one longest unused.
    sets.delete(key);
    sets.set(key, known);
    return known;
  }
  const set = await compileSet(data, labelsKey);
  const oldest = sets.keys().next().value;
  if (sets.size >= MAX_SETS && oldest !== undefined) sets.delete(oldest);
  sets.set(key, set);
  return set;
}

function keyOf({ model, rows }: RightsData, labelsKey: string): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([model, labelsKey]));
  for (const row of rows) hash.update(JSON.stringify(row));
  return hash.digest('base64');
}

const labelsKeys = new WeakMap<Labels, string>();

function labelsKeyOf(labels: Labels | undefined): string {
  if (labels === undefined) return 'null';
  const known = labelsKeys.get(labels) ?? JSON.stringify(labels);
  labelsKeys.set(labels, known);
  return known;
}

let lastModel: { text: string; model: CheckedModel } | undefined;

function modelOf(text: string): CheckedModel {
  if (lastModel?.text === text) return lastModel.model;
  const { model, problems } = checkModel(text, 'model');
  const problem = problems[0];
  if (model === undefined) {
    throw new SallyportError('failed', `the rights cannot be used: ${problem ? formatProblem(problem) : 'bad model'}`);
  }
  lastModel = { text, model };
  return model;
}

async function fromIndex({ rows, labels, model }: RightsData, labelsKey: string): Promise<RowSet | undefined> {
  const work = compiledOnce(rows, labelsKey, (row) => compileRow(row, labels, labelsKey));
  for (;;) {
    const step = work.next();
    if (step.done) return step.value && new RowSet(modelOf(model), step.value, true);
    await setImmediate();
  }
}

async function compileSet({ rows, labels, model }: RightsData, labelsKey: string): Promise<RowSet> {
  checkRows(rows);
  const compiled: CompiledRow[] = [];
  for (const row of rows) {
    compiled.push(compileRow(row, labels, labelsKey));
    if (compiled.length % PIECE === 0) await setImmediate();
  }
  return new RowSet(modelOf(model), compiled);
}

/** Of rules that did not come from a policy that checks. */
function checkRows(rows: readonly Row[]): void {
  const ids = new Set<string>();
  for (const row of rows) {
    if (ids.has(row.id)) throw new SallyportError('failed', `the rights hold the rule ${row.id} twice`);
    ids.add(row.id);
    // Casbin takes any other word for no effect at all.
    if (row.effect !== 'allow' && row.effect !== 'deny') {
      throw new SallyportError('failed', `the rights hold the rule ${row.id} with an unknown effect`);
    }
  }
}
