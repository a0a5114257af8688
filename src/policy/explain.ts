import type { CompiledPolicy } from './compile.js';
import type { Decision, Question, Rights } from './types.js';
export interface ExplainInput {
  policy: CompiledPolicy;
  rights: Rights;
  question: Question;
  /** Wall time, ms. */
  atMs: number;
}
/** A row that fails in exactly one column, and what would make it match. */
export interface NearRule {
  id: string;
  effect: 'allow' | 'deny';
  file: string;
  line: number;
  fails: 'role' | 'target' | 'command' | 'when';
  change: string;
}
export interface Explanation {
  subject: string;
  decision: Decision;
  near: NearRule[];
}
export function explainDecision(_input: ExplainInput): Explanation {
  throw new Error('not there yet');
}
export function renderExplanation(_explanation: Explanation): string {
  throw new Error('not there yet');
}
