/** What a person asks about, as questions for the rules. */
import { type LineResult, parseLine } from '../command/index.js';
import { SallyportError } from '../core/errors.js';
import { isBuiltin } from '../gate/builtins.js';
import type { Lookup } from '../gate/index.js';
import type { Question, Word } from '../policy/types.js';

/** Where a name is looked for: the PATH that sessions start with. */
const SESSION_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** One word is a line of shell, or an action; several are an argv. Throws `usage` for a line that cannot be read. */
export function questionsOf(words: readonly string[], lookup: Lookup): Question[] {
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
