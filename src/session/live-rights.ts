import { compileRights } from '../policy/index.js';
import type { ActionQuestion, Decision, Question, Rights, RightsData } from '../policy/types.js';
import type { RightsUpdate } from '../wire/types.js';

/** The rights a session has now. Replacing is one assignment: no decision ever sees half of a change. */
export interface LiveRights {
  decide(question: Question, atMs: number): Decision;
  current(): Rights;
  /** Resolves to false when a newer version is in force already. */
  replace(news: RightsUpdate, version: number): Promise<boolean>;
}

export async function createLiveRights(data: RightsData, version: number): Promise<LiveRights> {
  let rights = await compileRights(data);
  let inForce = version;
  /** What came last, in force yet or not: what comes without rules goes by its rules. */
  let latest = data;
  return {
    decide: (question, atMs) => rights.decide(question, atMs),
    current: () => rights,
    async replace(news, nextVersion) {
      const { rows, model, labels } = latest;
      latest = isWhole(news) ? news : { ...news, rows, model, ...(labels && { labels }) };
      const compiled = await compileRights(latest);
      if (nextVersion < inForce) return false;
      inForce = nextVersion;
      rights = compiled;
      return true;
    },
  };
}

const isWhole = (update: RightsUpdate): update is RightsData => update.rows !== undefined && update.model !== undefined;

export const SESSION_QUESTION: ActionQuestion = { kind: 'action', action: '@session' };
export const LOGIN_QUESTION: ActionQuestion = { kind: 'action', action: '@login' };
export const EXEC_QUESTION: ActionQuestion = { kind: 'action', action: '@exec' };
