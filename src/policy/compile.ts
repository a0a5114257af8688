import type { Problem } from '../core/errors.js';
import type { Labels, Row } from './types.js';
export interface PolicyInput {
  modelText: string;
  modelFile: string;
  policyText: string;
  policyFile: string;
  labels: Labels;
}
/** A `g` row. */
export interface Edge {
  member: string;
  role: string;
  file: string;
  line: number;
}
export interface CompiledPolicy {
  readonly digest: string;
  readonly model: string;
  readonly labels: Labels;
  readonly rows: readonly Row[];
  readonly edges: readonly Edge[];
  rolesOf(name: string): string[];
  groupsOf(target: string): string[];
  rowsFor(roles: ReadonlySet<string>, target: string): Row[];
}
export function compilePolicy(_input: PolicyInput): { policy?: CompiledPolicy; problems: Problem[] } {
  throw new Error('not there yet');
}
