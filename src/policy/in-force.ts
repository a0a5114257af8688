/** Which rules hold for a session, whatever is asked: what a person must be told when it changes. */
import { escapeText } from '../core/escape.js';
import { fieldOf, walk } from './cel/ast.js';
import { type Condition, holdsFor } from './cel/condition.js';
import { type Facts, factsAt, showFact } from './facts.js';
import { SessionRights } from './rights.js';
import type { CompiledRow } from './row-set.js';
import type { Effect, Rights } from './types.js';

/** Reasons named in one line; of more, the number. */
const MAX_REASONS = 3;
const MAX_VALUE = 60;

/** Rules that hold or fail together: they are for one role under one condition. */
interface Term {
  role: string;
  effect: Effect;
  condition: Condition | undefined;
}

interface Terms {
  list: Term[];
  /** Of each row, the place of its term. */
  of: Uint32Array;
}

/** What held at a moment. */
export interface InForce {
  readonly rights: SessionRights;
  readonly facts: Facts;
  readonly holds: readonly boolean[];
}

/** Conditions to evaluate for a look; many rules share few. */
export const termsOf = (rights: Rights): number => (rights instanceof SessionRights ? known(rights).list.length : 0);

export function inForce(rights: Rights, atMs: number): InForce | undefined {
  if (!(rights instanceof SessionRights)) return undefined;
  const facts = factsAt(rights.data.facts, atMs, rights.data.labels);
  const { holdings } = rights.scene;
  const holds = known(rights).list.map(
    ({ role, effect, condition }) => holdings.holds(role, atMs) && holdsFor(condition, effect, () => facts),
  );
  return { rights, facts, holds };
}

/** Why other rules hold now, for the person they are about, in one line; undefined: the same rules hold. */
export function whyOthers(before: InForce, now: InForce): string | undefined {
  const changed = changedTerms(before, now);
  if (changed.length === 0) return undefined;
  const reasons = new Set<string>();
  for (const { role, condition } of changed) {
    const had = hasRole(before, role);
    const has = hasRole(now, role);
    if (had !== has) reasons.add(has ? `you hold role ${role} now` : `you do not hold role ${role} any more`);
    else for (const reason of condition ? factsIn(condition, before, now) : []) reasons.add(reason);
  }
  const all = [...reasons];
  if (all.length === 0) return 'other rules are in force';
  const more = all.length > MAX_REASONS ? ` and ${all.length - MAX_REASONS} more` : '';
  return `${all.slice(0, MAX_REASONS).join(', ')}${more}`;
}

const hasRole = ({ rights, facts }: InForce, role: string): boolean =>
  rights.scene.holdings.holds(role, facts.time?.now instanceof Date ? facts.time.now.getTime() : 0);

/** Facts of a condition that are different now; what only grows with the clock is named where nothing else is. */
function factsIn({ ast }: Condition, before: InForce, now: InForce): string[] {
  const told = new Set<string>();
  const ages = new Set<string>();
  walk(ast, (node) => {
    const field = fieldOf(node);
    if (field === undefined) return;
    const [was, is] = [before, now].map(({ facts }) => showFact(facts[field[0]]?.[field[1]]));
    const name = field.join('.');
    if (was === is || is === undefined) return;
    const moves = name === 'time.now' || name.endsWith('.age');
    (moves ? ages : told).add(name === 'time.now' ? itIs(now) : wordsFor(name, is));
  });
  return [...(told.size > 0 ? told : ages)];
}

const wordsFor = (name: string, is: string): string =>
  is === 'unknown' ? `${name} is not known any more` : `${name} is now ${escapeText(is, MAX_VALUE)}`;

/** To the minute, and with the day: what speaks of the moment itself begins or ends on one. */
const itIs = ({ facts }: InForce): string =>
  `it is ${showFact(facts.time?.now).slice(0, 16).replace('T', ' ')} UTC now`;

function changedTerms(before: InForce, now: InForce): Term[] {
  const [a, b] = [known(before.rights), known(now.rights)];
  if (a === b) return b.list.filter((_, i) => before.holds[i] !== now.holds[i]);
  const was = heldRows(before, a);
  const is = heldRows(now, b);
  const changed = new Set<Term>();
  for (const [id, term] of was) if (!is.has(id)) changed.add(term);
  for (const [id, term] of is) if (!was.has(id)) changed.add(term);
  return [...changed];
}

/** Rules that hold, by what they say: one that was only moved to another line is the same. */
function heldRows({ rights, holds }: InForce, { list, of }: Terms): Map<string, Term> {
  const found = new Map<string, Term>();
  for (const [i, { row }] of rights.scene.set.rows.entries()) {
    const at = of[i] ?? 0;
    const term = list[at];
    if (term && holds[at]) found.set([row.command, row.effect, row.children].join('\n'), term);
  }
  return found;
}

const termsBySet = new WeakMap<object, Terms>();

function known({ scene: { set } }: SessionRights): Terms {
  const terms = termsBySet.get(set) ?? group(set.rows);
  termsBySet.set(set, terms);
  return terms;
}

function group(rows: readonly CompiledRow[]): Terms {
  const places = new Map<string, number>();
  const list: Term[] = [];
  const of = new Uint32Array(rows.length);
  for (const [i, { row, condition }] of rows.entries()) {
    const key = [row.role, row.effect, row.when].join('\n');
    let at = places.get(key);
    if (at === undefined) {
      at = list.push({ role: row.role, effect: row.effect, condition }) - 1;
      places.set(key, at);
    }
    of[i] = at;
  }
  return { list, of };
}
