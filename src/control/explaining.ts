/** Why a command is allowed or refused. */
import { type LineResult, parseLine } from '../command/index.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { isBuiltin } from '../gate/builtins.js';
import { createLookup, type Lookup } from '../gate/index.js';
import { accountByName } from '../os/passwd.js';
import { compileRights, type Explanation, explainDecision, renderExplanation } from '../policy/index.js';
import type { Question, Word } from '../policy/types.js';
import type { AdminPort } from './admin-port.js';
import type { Deps } from './deps.js';
import { setScene } from './scene.js';

/** Where a name is looked for: the PATH that sessions start with. */
const SESSION_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Whom file permissions are weighed against where the user has no account here. */
const NOBODY = 65_534;

export function explaining(deps: Deps): Pick<AdminPort, 'explain'> {
  return {
    explain: async (request) => {
      const scene = setScene(deps, request);
      const rights = await compileRights(scene.data);
      const questions = questionsOf(request.words, lookupFor(deps, request.user));
      const { policy } = deps.current;
      const found = questions.map((question) => explainDecision({ policy, rights, question, atMs: scene.atMs }));
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

/** One word is a line of shell, or an action; several are an argv. Throws `usage` for a line that cannot be read. */
function questionsOf(words: readonly string[], lookup: Lookup): Question[] {
  const [only = ''] = words;
  if (words.length > 1)
    return [
      commandOf(
        words.map((text) => ({ text })),
        lookup,
      ),
    ];
  if (/^@[a-z]/.test(only)) return [{ kind: 'action', action: only }];
  const parsed = parseLine(only);
  if (parsed.kind !== 'ok') throw new SallyportError('usage', `the line cannot be read: ${whyNot(parsed)}`);
  if (parsed.commands.length === 0) throw new SallyportError('usage', 'the line holds no command');
  return parsed.commands.map((command) => commandOf(command.words, lookup));
}

const whyNot = (parsed: LineResult) => (parsed.kind === 'bad' ? parsed.message : 'it does not end');

function commandOf(words: Word[], lookup: Lookup): Question {
  const [first] = words;
  const name = first === undefined || first.dynamic === true ? undefined : first.text;
  if (name === undefined) return { kind: 'command', words };
  if (isBuiltin(name)) return { kind: 'command', words, builtin: true };
  const program = lookup(name, SESSION_PATH);
  return { kind: 'command', words, ...(program && { program }) };
}

function lookupFor(deps: Deps, user: string): Lookup {
  const account = deps.authority.user(user)?.account ?? user;
  const entry = deps.sandboxed ? undefined : accountByName(account);
  const own = deps.sandboxed ? (process.geteuid?.() ?? NOBODY) : NOBODY;
  const who = { uid: entry?.uid ?? own, gids: [entry?.gid ?? own] };
  return createLookup(who, deps.clock);
}
