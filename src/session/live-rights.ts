import { compileRights } from '../policy/index.js';
import type { ActionQuestion, Decision, Question, Rights, RightsData } from '../policy/types.js';

/** The rights a session has now. Replacing is one assignment: no decision ever sees half of a change. */
export interface LiveRights {
  decide(question: Question, atMs: number): Decision;
  current(): Rights;
  /** Resolves to false when a newer version is in force already. */
  replace(data: RightsData, version: number): Promise<boolean>;
}

export async function createLiveRights(data: RightsData, version: number): Promise<LiveRights> {
  let rights = await compileRights(data);
  let inForce = version;
  return {
    decide: (question, atMs) => rights.decide(question, atMs),
    current: () => rights,
    async replace(next, nextVersion) {
      const compiled = await compileRights(next);
      if (nextVersion < inForce) return false;
      inForce = nextVersion;
      rights = compiled;
      return true;
    },
  };
}

export const SESSION_QUESTION: ActionQuestion = { kind: 'action', action: '@session' };
export const LOGIN_QUESTION: ActionQuestion = { kind: 'action', action: '@login' };
export const EXEC_QUESTION: ActionQuestion = { kind: 'action', action: '@exec' };
