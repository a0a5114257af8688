import type { Decision, Rights } from '../policy/types.js';
import { EXEC_QUESTION, SESSION_QUESTION } from '../session/index.js';
import type { SessionKind } from '../wire/types.js';

/** What a session is for. Administration is decided verb by verb: it is no command of the user's. */
interface Purpose {
  kind: SessionKind;
  administration?: readonly string[] | undefined;
}

/** Why a session for this may not be, in the engineer's words; undefined: it may. */
export function deniedOf({ kind, administration }: Purpose, rights: Rights, atMs: number): string | undefined {
  const isCommand = kind === 'exec' && administration === undefined;
  for (const question of isCommand ? [SESSION_QUESTION, EXEC_QUESTION] : [SESSION_QUESTION]) {
    const decision = rights.decide(question, atMs);
    if (!decision.allow) return `denied: ${question.action} (${reasonOf(decision)})`;
  }
  return undefined;
}

function reasonOf(decision: Decision): string {
  if (decision.rule) return `${decision.rule.id}: denied by rule`;
  return decision.why === 'error' ? 'it could not be decided' : 'no rule allows it';
}
