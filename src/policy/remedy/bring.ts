import { appletOf } from '../applet.js';
import { type Ast, fieldOf, stringOf, walk } from '../cel/ast.js';
import { nextEdge } from '../edges.js';
import { SessionRights } from '../rights.js';
import type { BaseFacts, Question, Rights } from '../types.js';
import type { Remedy } from './types.js';

/** Stands for whoever may approve, where conditions ask only that somebody did: no user can have this name. */
const SOMEBODY = 'somebody else';
/** People named by conditions who are tried as approvers for one refusal. */
const MAX_NAMED = 8;
/** Commands of one line looked at for such names. */
const MAX_QUESTIONS = 20;

const TRIES: readonly (readonly Remedy[])[] = [['mfa'], ['approval'], ['mfa', 'approval']];

/**
 * The least that would allow what is refused now; undefined when neither would, and when it is allowed already. An
 * approval counts where some people's alone would do.
 */
export function remediesFor(rights: Rights, question: Question, atMs: number): readonly Remedy[] | undefined {
  return leastRemedies(rights, [question], atMs, (tried) => tried.decide(question, atMs).allow);
}

/** The same for several questions that stand or fall together; `allowed` tells whether they all stand under these rights. */
export function leastRemedies(
  rights: Rights,
  questions: readonly Question[],
  atMs: number,
  allowed: (rights: Rights) => boolean,
): readonly Remedy[] | undefined {
  if (!(rights instanceof SessionRights) || allowed(rights)) return undefined;
  if (!questions.some((question) => mayMatter(rights, question))) return undefined;
  const approvers = approversFor(rights, questions);
  return TRIES.find((remedies) =>
    withRemedies(rights.data.facts, remedies, approvers, atMs).some((facts) => allowed(rights.withFacts(facts))),
  );
}

/** Whether a condition about it speaks of what people can bring: where none does, a storm of refusals costs no more. */
function mayMatter({ scene }: SessionRights, question: Question): boolean {
  if (question.kind === 'command' && appletOf(question) !== undefined) return true;
  return scene.set.about(question).some(({ row }) => /mfa|approval/.test(row.when));
}

/** The same rights with somebody's approval: for what it was given for, and nothing else. */
export function withApproval(rights: Rights, by: string | undefined): Rights {
  if (!(rights instanceof SessionRights) || by === undefined || by === rights.data.user) return rights;
  return rights.withFacts({ ...rights.data.facts, approval: { by } });
}

const WITH_APPROVAL: readonly (readonly Remedy[])[] = [['approval'], ['mfa', 'approval']];

/**
 * Until when one approval would allow all of these, at most until `toMs` and not counting changes of rights or facts;
 * undefined: it would not now. Whose: that of `by`, or, left out, of anybody whom the conditions would take; the second
 * factor may have to be proved anew besides. Times are wall time, ms.
 */
export function approvedUntil(
  rights: Rights,
  questions: readonly Question[],
  atMs: number,
  toMs: number,
  by?: string,
): number | undefined {
  if (!(rights instanceof SessionRights)) return undefined;
  const approvers = by === undefined ? approversFor(rights, questions) : [by];
  for (const facts of WITH_APPROVAL.flatMap((brought) => withRemedies(rights.data.facts, brought, approvers, atMs))) {
    const approved = rights.withFacts(facts);
    if (questions.some((question) => !approved.decide(question, atMs).allow)) continue;
    return Math.min(toMs, ...questions.map((question) => nextEdge(approved, question, atMs, toMs - atMs) ?? toMs));
  }
  return undefined;
}

/** The facts as they would be, once for each approver where one is asked for. */
function withRemedies(
  facts: BaseFacts,
  remedies: readonly Remedy[],
  approvers: readonly string[],
  atMs: number,
): BaseFacts[] {
  const proved = remedies.includes('mfa') ? { ...facts, mfaAt: atMs } : facts;
  return remedies.includes('approval') ? approvers.map((by) => ({ ...proved, approval: { by } })) : [proved];
}

/** Those who are tried: anybody, and whom the conditions name. */
function approversFor(rights: SessionRights, questions: readonly Question[]): string[] {
  const named = questions.slice(0, MAX_QUESTIONS).flatMap((question) => namedApprovers(rights, question));
  return [SOMEBODY, ...new Set(named)].slice(0, MAX_NAMED + 1);
}

/** Other people whom the conditions about this question name: `approval.by in ['bob', 'carol']`. */
function namedApprovers({ data, scene }: SessionRights, question: Question): string[] {
  const names = new Set<string>();
  for (const { row, condition } of scene.set.about(question)) {
    if (names.size >= MAX_NAMED) break;
    if (condition && row.when.includes('approval')) for (const name of approversIn(condition.ast)) names.add(name);
  }
  names.delete(data.user);
  return [...names].slice(0, MAX_NAMED);
}

function approversIn(ast: Ast): string[] {
  const names: string[] = [];
  walk(ast, (node) => {
    if (node.op !== '==' && node.op !== 'in') return;
    if (!node.args.some((side) => fieldOf(side)?.join('.') === 'approval.by')) return;
    walk(node, (inner) => names.push(stringOf(inner) ?? ''));
  });
  return names.filter((name) => name !== '');
}
