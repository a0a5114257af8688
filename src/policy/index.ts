export type { CompiledPolicy, CompileResult, PolicyInput } from './compile.js';
export { compilePolicy, compilePolicyInPieces } from './compile.js';
export { mayChange, nextEdge, nextMoment } from './edges.js';
export type { Explanation } from './explain/index.js';
export { explainDecision, renderExplanation } from './explain/index.js';
export { type Facts, factsAt } from './facts.js';
export { type InForce, inForce, termsOf, whyOthers } from './in-force.js';
export { SHIPPED_MODEL } from './model.js';
export { phraseDenied, phraseEnded, phraseRefused } from './phrase.js';
export {
  approvedUntil,
  leastRemedies,
  phraseRemedies,
  type Remedy,
  remediesFor,
  remedyFor,
  withApproval,
} from './remedy/index.js';
export { compileRights } from './rights.js';
export type { Edge } from './rows.js';
export { matchTarget } from './target.js';
export type * from './types.js';
