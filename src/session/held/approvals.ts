import type { CommandQuestion, Question } from '../../policy/types.js';
import type { ExecAsk } from '../../wire/guard.js';

/** Commands of one approved line that may run by its approval. */
const MAX_COMMANDS = 64;

/** One command of a line somebody approved: exact words, and the file they meant. */
interface Command {
  words: string;
  path: string;
  by: string;
}

/** Which execs run by somebody's approval: each approval once, for exactly what was approved. */
export interface Approvals {
  /** Who approved this exec; undefined: nobody. */
  of(ask: ExecAsk): string | undefined;
  /** This exec was approved. */
  give(ask: ExecAsk, by: string): void;
  /** A line was: its commands may run once each, until another line is accepted. What only the shell knows is not among them. */
  line(commands: readonly Question[], by: string): void;
  /** It was let go, or refused. */
  used(ask: ExecAsk): void;
  accepted(): void;
}

const wordsOf = (words: readonly string[]) => JSON.stringify(words);

export function createApprovals(): Approvals {
  /** By image: the parts of one exec share it. */
  const execs = new Map<number, string>();
  let commands: Command[] = [];
  const find = ({ part, argv, cut, program, fromShell }: ExecAsk) =>
    part === 'program' && !cut && fromShell
      ? commands.find(({ words, path }) => path === program.path && words === wordsOf(argv))
      : undefined;
  return {
    of: (ask) => execs.get(ask.image) ?? find(ask)?.by,
    give(ask, by) {
      if (execs.size >= MAX_COMMANDS) execs.clear();
      execs.set(ask.image, by);
    },
    line(questions, by) {
      commands = questions
        .filter((q): q is CommandQuestion => q.kind === 'command')
        .slice(0, MAX_COMMANDS)
        .flatMap(({ words, program }) =>
          program === undefined || words.some(({ dynamic }) => dynamic)
            ? []
            : [{ words: wordsOf(words.map(({ text }) => text)), path: program.path, by }],
        );
    },
    used(ask) {
      execs.delete(ask.image);
      const command = find(ask);
      commands = commands.filter((one) => one !== command);
    },
    accepted() {
      commands = [];
    },
  };
}
