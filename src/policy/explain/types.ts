import type { CompiledPolicy } from '../compile.js';
import type { Remedy } from '../remedy/index.js';
import type { Decision, Question, Rights } from '../types.js';

export interface ExplainInput {
  policy: CompiledPolicy;
  rights: Rights;
  question: Question;
  /** Wall time, ms. */
  atMs: number;
  /** Why nobody knows a fact, for a person; whoever asks may know more than the rules do. */
  whyMissing?(fact: string): string | undefined;
}

export type Column = 'role' | 'target' | 'command' | 'when';

/** A rule that fails in exactly one column, and what would make it match. */
export interface NearRule {
  id: string;
  effect: 'allow' | 'deny';
  file: string;
  line: number;
  fails: Column;
  /** Of a rule that fails on command: it speaks of another program altogether. */
  elsewhere: boolean;
  /** One line for a person, escaped. */
  change: string;
}

/** One thing that would turn a refusal, all else as it is. `words` are one line for a person, escaped. */
export interface Change {
  by: 'remedies' | 'grant' | 'hour' | 'facts' | 'lapse';
  words: string;
}

/** A fact that a rule asks for and nobody knows; `why` is one line for a person, escaped. */
export interface MissingFact {
  fact: string;
  why?: string;
}

export interface Explanation {
  user: string;
  target: string;
  /** The command or action, escaped. */
  subject: string;
  decision: Decision;
  /** The deciding rule's condition and the facts it looks at, escaped; absent where it has none. */
  condition?: string;
  /** What the person could bring to have it allowed. */
  remedies?: readonly Remedy[];
  /** What would allow it; nothing of what is allowed already. */
  changes: Change[];
  /** Of the deciding rule and of those near. */
  missing: MissingFact[];
  /** At most 20, those that could turn the decision first, in the order of the file. */
  near: NearRule[];
}
