/** The policy of a home, from its files. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.js';
import { messageOf, type Problem } from '../core/errors.js';
import { type CompiledPolicy, compilePolicy, compilePolicyInPieces, type PolicyInput } from '../policy/index.js';
import { homePaths } from './home.js';

export interface LoadedPolicy {
  /** Absent where a problem of severity error was found. */
  policy?: CompiledPolicy;
  problems: Problem[];
}

/** Reads and checks model and rules. Never throws: a file that cannot be read is a problem like any other. */
export function loadPolicy(config: Pick<Config, 'home' | 'labels'>): LoadedPolicy {
  const { input, problems } = readFiles(config);
  return input ? compilePolicy(input) : { problems };
}

/** The same with the event loop running between pieces of a few ms. Never rejects. */
export async function loadPolicyInPieces(config: Pick<Config, 'home' | 'labels'>): Promise<LoadedPolicy> {
  const { input, problems } = readFiles(config);
  return input ? await compilePolicyInPieces(input) : { problems };
}

function readFiles({ home, labels }: Pick<Config, 'home' | 'labels'>): { input?: PolicyInput; problems: Problem[] } {
  const { model, policy } = homePaths(home);
  const problems: Problem[] = [];
  const modelText = readText(model, problems);
  const policyText = readText(policy, problems);
  if (modelText === undefined || policyText === undefined) return { problems };
  return { input: { modelText, modelFile: model, policyText, policyFile: policy, labels }, problems };
}

function readText(file: string, problems: Problem[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const why = error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${messageOf(error)}`;
    problems.push({ file, message: why, severity: 'error' });
    return undefined;
  }
}
