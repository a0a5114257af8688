import { appletOf } from './applet.js';
import { decide, type Scene } from './decide.js';
import type { Decision, Question } from './types.js';

/** Decisions kept for each session, and the longest question among them, characters. */
const MAX_KEPT = 256;
const MAX_KEY = 2_000;
/** A condition of this text looks at nothing. */
const ALWAYS = 'true';

interface Kept {
  decision: Decision;
  /** From (included) until (excluded), ms since the epoch: between two moments at which a role begins or ends. */
  from: number;
  until: number;
}

/**
 * Deciding, with the answers to questions asked before: a build asks the same ones over and over. Kept is only what cannot
 * change but by new rights, which come with a memo of their own, or by a role's end: no rule that is about the question
 * has a condition. What an applet's own rules say is not kept.
 */
export class Memo {
  readonly #scene: Scene;
  readonly #edges: readonly number[];
  readonly #kept = new Map<string, Kept>();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#edges = scene.holdings.edges();
  }

  /** Never throws: a question that cannot be looked up is decided afresh. */
  decide(question: Question, atMs: number): Decision {
    try {
      return this.#remembered(question, atMs);
    } catch {
      return decide(this.#scene, question, atMs);
    }
  }

  #remembered(question: Question, atMs: number): Decision {
    const key = keyOf(question);
    const known = key === undefined ? undefined : this.#kept.get(key);
    if (known && known.from <= atMs && atMs < known.until) return known.decision;
    const decision = decide(this.#scene, question, atMs);
    if (key !== undefined && decision.why !== 'error' && this.#isTimeless(question)) {
      if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
      this.#kept.set(key, { decision: Object.freeze(decision), ...this.#span(atMs) });
    }
    return decision;
  }

  #isTimeless(question: Question): boolean {
    if (question.kind === 'command' && appletOf(question) !== undefined) return false;
    return this.#scene.set.about(question).every(({ row }) => row.when === ALWAYS);
  }

  #span(atMs: number): { from: number; until: number } {
    const span = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };
    for (const edge of this.#edges) {
      if (edge <= atMs) span.from = Math.max(span.from, edge);
      else span.until = Math.min(span.until, edge);
    }
    return span;
  }
}

/** Everything of a question that can matter; undefined for one that is not kept. */
function keyOf(question: Question): string | undefined {
  if (question.kind !== 'command') return undefined;
  let length = 0;
  for (const { text, dynamic } of question.words) {
    length += text.length;
    if (dynamic === true || length > MAX_KEY) return undefined;
  }
  const key = JSON.stringify(question);
  return key.length > MAX_KEY ? undefined : key;
}
