import { type Ast, fieldOf, literalArgument, walk } from './cel/ast.js';
import { durationMs, timestampMs } from './cel/environment.js';
import { Holdings } from './holdings.js';
import { matchPattern } from './pattern/index.js';
import { SessionRights } from './rights.js';
import { type CompiledRow, compileRow } from './row-set.js';
import type { Question, Rights } from './types.js';

/** What can change an answer as time goes by. */
export interface Clockwork {
  /** Moments, ms since the epoch. */
  readonly moments: readonly number[];
  /** Set when hours or weekdays matter. */
  readonly timezone: string | undefined;
  /** Some condition reckons with time. */
  readonly reckons: boolean;
}

/** What the conditions of some rules follow, whoever is asked about. Ms. */
interface Hands {
  /** Since the epoch. */
  readonly moments: number[];
  /** Of the session's age, and of the second factor's. */
  readonly ages: { readonly session: number[]; readonly mfa: number[] };
  zoned: boolean;
  reckons: boolean;
}

/** `question` absent: whatever is asked. */
export function clockworkOf(rights: Rights, question?: Question): Clockwork {
  const { facts } = rights.data;
  const { moments, ages, zoned, reckons } = handsOf(rights, question);
  const since = (start: number | undefined, list: readonly number[]) =>
    start === undefined ? [] : list.map((age) => start + age);
  return {
    moments: [
      ...holdingsOf(rights).edges(),
      ...moments,
      ...since(facts.startedAt, ages.session),
      ...since(facts.mfaAt, ages.mfa),
    ],
    timezone: zoned ? facts.timezone : undefined,
    reckons,
  };
}

/** Sessions of one role share their rules: what those follow is read once for all of them. */
const shared = new WeakMap<object, Map<string, Hands>>();

function handsOf(rights: Rights, question: Question | undefined): Hands {
  if (!(rights instanceof SessionRights) || question?.kind === 'command') return read(rowsOf(rights), question);
  const { set } = rights.scene;
  const known = shared.get(set) ?? new Map<string, Hands>();
  shared.set(set, known);
  const key = question?.action ?? '';
  const hands = known.get(key) ?? read(question ? set.about(question) : set.rows, question);
  if (known.size < MAX_ACTIONS) known.set(key, hands);
  return hands;
}

/** Actions remembered for each set of rules; `@session` is the one that is asked about. */
const MAX_ACTIONS = 8;

function read(rows: readonly CompiledRow[], question: Question | undefined): Hands {
  const hands: Hands = { moments: [], ages: { session: [], mfa: [] }, zoned: false, reckons: false };
  const seen = new Set<object>();
  for (const { condition, pattern, row } of rows) {
    if (condition === undefined || condition.always || seen.has(condition)) continue;
    if (question && !matchPattern(pattern, question, row.effect, true)) continue;
    seen.add(condition);
    addCondition(hands, condition.ast);
  }
  return hands;
}

function rowsOf(rights: Rights): readonly CompiledRow[] {
  if (rights instanceof SessionRights) return rights.scene.set.rows;
  const { rows, labels } = rights.data;
  return rows.map((row) => compileRow(row, labels, JSON.stringify(labels ?? null)));
}

function holdingsOf(rights: Rights): Holdings {
  return rights instanceof SessionRights ? rights.scene.holdings : new Holdings(rights.data);
}

function addCondition(hands: Hands, ast: Ast): void {
  let uses = 0;
  let compared = 0;
  walk(ast, (node) => {
    const name = fieldOf(node)?.join('.') ?? '';
    if (name === 'time.hour' || name === 'time.weekday') hands.zoned = true;
    if (isMoving(name)) uses++;
    if (addComparison(hands, node)) compared++;
  });
  if (uses > compared) hands.reckons = true;
}

type Moving = 'time.now' | 'session.age' | 'mfa.age';

function isMoving(name: string | undefined): name is Moving {
  return name === 'time.now' || name === 'session.age' || name === 'mfa.age';
}

const COMPARISONS = new Set<string>(['<', '<=', '>', '>=', '==', '!=']);

/** A moving fact compared with a literal, or asked for with has(): true, and the moments its answer can change are noted. */
function addComparison(hands: Hands, node: Ast): boolean {
  if (node.op === 'call' && node.args[0] === 'has') return movingName(node.args[1][0]) !== undefined;
  if (!COMPARISONS.has(node.op)) return false;
  const [left, right] = node.args as [Ast, Ast];
  return addLiteral(hands, movingName(left), right) || addLiteral(hands, movingName(right), left);
}

function movingName(node: Ast | undefined): Moving | undefined {
  const name = node ? fieldOf(node)?.join('.') : undefined;
  return isMoving(name) ? name : undefined;
}

function addLiteral(hands: Hands, name: Moving | undefined, literal: Ast): boolean {
  if (name === undefined) return false;
  const { list, at } = markOf(hands, name, literal);
  if (at === undefined) return false;
  // Whichever way the comparison goes, its answer changes at the moment itself or 1 ms later.
  list.push(at, at + 1);
  return true;
}

function markOf(hands: Hands, name: Moving, literal: Ast): { list: number[]; at: number | undefined } {
  if (name === 'time.now') {
    const at = timestampMs(literalArgument(literal, 'timestamp') ?? '');
    return { list: hands.moments, at: at === undefined ? undefined : Math.floor(at) };
  }
  const text = literalArgument(literal, 'duration');
  const list = name === 'mfa.age' ? hands.ages.mfa : hands.ages.session;
  return { list, at: text === undefined ? undefined : durationMs(text) };
}
