/** Why a command is allowed or refused. */
import { escapeText } from '../core/escape.js';
import { createLookup, type Lookup } from '../gate/index.js';
import { accountByName } from '../os/passwd.js';
import { compileRights, type Explanation, explainDecision, renderExplanation } from '../policy/index.js';
import type { AdminPort } from './admin-port.js';
import type { Deps } from './deps.js';
import { whyMissing } from './missing.js';
import { questionsOf } from './questions.js';
import { setScene } from './scene.js';

/** Whom file permissions are weighed against where the user has no account here. */
const NOBODY = 65_534;

export function explaining(deps: Deps): Pick<AdminPort, 'explain'> {
  return {
    explain: async (request) => {
      const scene = setScene(deps, request);
      const rights = await compileRights(scene.data);
      const questions = questionsOf(request.words, lookupFor(deps, request.user));
      const { policy } = deps.current;
      const input = { policy, rights, atMs: scene.atMs, whyMissing: whyMissing(deps, scene.data) };
      const found = questions.map((question) => explainDecision({ ...input, question }));
      const lock = deps.authority.lockFor({ user: request.user, target: request.target });
      const locked = lock
        ? [`locked since ${new Date(lock.from).toISOString()}: ${escapeText(lock.reason)}; nothing is allowed`]
        : [];
      return {
        allow: lock === undefined && found.every((e) => e.decision.allow),
        text: [...locked, ...found.map((e) => renderExplanation(e).trimEnd())].join('\n\n'),
        commands: found.map(plain),
      };
    },
  };
}

/** JSON-able by the policy room's word; the round trip drops what is undefined. */
const plain = (explanation: Explanation) => JSON.parse(JSON.stringify(explanation));

function lookupFor(deps: Deps, user: string): Lookup {
  const account = deps.authority.user(user)?.account ?? user;
  const entry = deps.sandboxed ? undefined : accountByName(account);
  const own = deps.sandboxed ? (process.geteuid?.() ?? NOBODY) : NOBODY;
  const who = { uid: entry?.uid ?? own, gids: [entry?.gid ?? own] };
  return createLookup(who, deps.clock);
}
