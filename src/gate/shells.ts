import { type LineResult, MAX_LINE_LENGTH } from '../command/index.js';
import { phraseRefusal } from './line.js';
import { takeApart } from './pieces.js';
import { type Answer, askable, type Message } from './protocol.js';
import type { GateMode, LineContext, LineVerdict } from './types.js';

/** Shells of one session (tmux panes, `bash -l` in `bash -l`) remembered at once; the oldest is forgotten. */
const MAX_SHELLS = 32;

export type LineDecider = (parsed: LineResult, context: LineContext) => LineVerdict;

/** A line that was decided. `text` is raw: escape it before showing it. */
export interface LineEvent {
  text: string;
  verdict: LineVerdict;
  /** For refused lines, what the terminal shows, escaped. */
  message?: string;
}

export interface JudgeOptions {
  gate: GateMode;
  decide: LineDecider;
  /** Called before the shell hears the answer; a throw refuses. */
  onLine(event: LineEvent): void;
  onRefused(event: LineEvent): void;
  /** A shell has loaded the hook. */
  onHello?(version: string): void;
  /** A line is about to be refused that the person could bring something for: held from here on until `end`; undefined: not. */
  hold?(event: HeldEvent, end: (end: HeldEnd) => void): HeldLine | undefined;
}

/** A line that is about to be refused. */
export interface HeldEvent extends LineEvent {
  /** What would be said of it now. */
  decide(): LineVerdict;
}

/** Decide it again, under the rights there are now; or refuse it by this verdict. */
export type HeldEnd = 'again' | LineVerdict;

export interface HeldLine {
  /** Its shell asks for another line or is gone. */
  drop(): void;
}

type LineQuestion = Extract<Message, { kind: 'line' }>;

interface Shell {
  /** Counter of the last accepted line: a question that carries it too is an answer to that line's `read -e`. */
  ran?: number;
  /** Held back by the shell until it is complete; its continuation carries the same counter. */
  pending?: { text: string; counter: number };
  last?: { id: string; answer: Answer };
  /** Waiting to hear which names are the shell's own. */
  asking?: { question: LineQuestion; text: string; names: string[] };
  held?: { id: string; line: HeldLine };
}

interface Judging extends JudgeOptions {
  /** The answer to a question that was held: wanted where `hold` is given. */
  late?(question: LineQuestion, answer: Answer): void;
}

/** What the door says to one session's hook. Keeps, per shell, what was typed but is not complete. */
export function createLineJudge(options: Judging): (message: Message) => Answer | undefined {
  const shells = new Map<string, Shell>();
  return (message) => {
    if (message.kind === 'heard') return undefined;
    if (message.kind === 'hello') {
      letGo(shells.get(message.shell));
      shells.delete(message.shell);
      options.onHello?.(message.version);
      return undefined;
    }
    const shell = shellOf(shells, message.shell);
    const answer = message.kind === 'types' ? named(shell, message, options) : asked(shell, message, options);
    if (answer !== undefined) shell.last = { id: message.id, answer };
    return answer;
  };
}

function shellOf(shells: Map<string, Shell>, pid: string): Shell {
  const shell = shells.get(pid) ?? {};
  shells.delete(pid);
  shells.set(pid, shell);
  const [oldest] = shells.keys();
  if (shells.size > MAX_SHELLS && oldest !== undefined) shells.delete(oldest);
  return shell;
}

function letGo(shell: Shell | undefined): void {
  shell?.held?.line.drop();
  delete shell?.held;
}

function asked(shell: Shell, question: LineQuestion, options: Judging): Answer | undefined {
  // The hook asks again when an answer was lost, to another shell of the session for example.
  if (shell.last?.id === question.id) return shell.last.answer;
  letGo(shell);
  const { counter, fresh } = question;
  const { pending, ran } = shell;
  if (!fresh && pending?.counter === counter)
    return judge(shell, question, `${pending.text}\n${question.text}`, options);
  if (!fresh && pending === undefined && ran === counter) return { verb: 'ok' };
  return judge(shell, question, question.text, options);
}

function named(shell: Shell, message: Extract<Message, { kind: 'types' }>, options: Judging): Answer | undefined {
  const { asking } = shell;
  if (asking === undefined || asking.question.id !== message.id) {
    return shell.last?.id === message.id && shell.last.answer.verb !== 'types' ? shell.last.answer : undefined;
  }
  const own = new Set(message.names.filter((name) => asking.names.includes(name)));
  return judge(shell, asking.question, asking.text, options, own);
}

function judge(
  shell: Shell,
  question: LineQuestion,
  text: string,
  options: Judging,
  shellNames?: ReadonlySet<string>,
): Answer {
  delete shell.asking;
  try {
    if (text.length > MAX_LINE_LENGTH) return refuse(shell, text, TOO_LONG, options);
    const { runs, rest } = takeApart(text, question.syntax);
    if (runs.kind === 'incomplete') return holdBack(shell, question, text);
    const decide = () => options.decide(runs, contextOf(question, options.gate, shellNames));
    const verdict = decide();
    if (!verdict.allow && verdict.pendingNames !== undefined && shellNames === undefined) {
      const names = askable(verdict.pendingNames);
      shell.asking = { question, text, names };
      return { verb: 'types', names };
    }
    if (!verdict.allow)
      return (
        hold(shell, question, { text, verdict, decide }, options, shellNames) ?? refuse(shell, text, verdict, options)
      );
    options.onLine({ text, verdict });
    if (rest !== '') return holdBack(shell, question, rest);
    delete shell.pending;
    shell.ran = question.counter;
    return { verb: 'ok' };
  } catch {
    delete shell.pending;
    delete shell.ran;
    const reason = 'no decision could be reached';
    return { verb: 'no', text: phraseRefusal({ allow: false, reason }, text) };
  }
}

/** Undefined: it is not held. */
function hold(
  shell: Shell,
  question: LineQuestion,
  event: HeldEvent,
  options: Judging,
  shellNames?: ReadonlySet<string>,
): Answer | undefined {
  const { text } = event;
  const { id } = question;
  const line = options.hold?.(event, (end) => {
    if (shell.held?.id !== id) return;
    delete shell.held;
    const answer =
      end === 'again' ? judge(shell, question, text, options, shellNames) : refuse(shell, text, end, options);
    shell.last = { id, answer };
    options.late?.(question, answer);
  });
  if (line === undefined) return undefined;
  shell.held = { id, line };
  return { verb: 'wait' };
}

const TOO_LONG: LineVerdict = { allow: false, reason: 'the line is longer than 64 KiB' };

function holdBack(shell: Shell, question: LineQuestion, text: string): Answer {
  shell.pending = { text, counter: question.counter };
  return { verb: 'more' };
}

function refuse(shell: Shell, text: string, verdict: LineVerdict, options: JudgeOptions): Answer {
  delete shell.pending;
  delete shell.ran;
  const message = phraseRefusal(verdict, text);
  options.onRefused({ text, verdict, message });
  return { verb: 'no', text: message };
}

function contextOf(question: LineQuestion, gate: GateMode, shellNames?: ReadonlySet<string>): LineContext {
  const { path, cwd, syntax } = question;
  return { gate, path, cwd, shell: syntax.shell, ...(shellNames === undefined ? {} : { shellNames }) };
}
