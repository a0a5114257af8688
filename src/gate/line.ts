import { type LineResult, type ParsedCommand, parseIn } from '../command/index.js';
import { escapeText } from '../core/escape.js';
import { leastRemedies, phraseDenied, remedyFor } from '../policy/index.js';
import type { CommandQuestion, Decision, Rights } from '../policy/types.js';
import { isBuiltin } from './builtins.js';
import type { LineContext, LineVerdict, Lookup } from './types.js';

/** Characters of a command shown in a refusal that no rule made. */
const SHOWN = 200;

const UNKNOWABLE = 'what it runs cannot be known beforehand, and only lines are checked here';

const NOT_BASH = 'under gate: line-only only lines of bash are decided';

interface Scene {
  rights: Rights;
  lookup: Lookup;
  atMs: number;
  context: LineContext;
}

/** What was found about one command. `ask`: it stands or falls with what the name is in the asking shell. */
interface Finding {
  allow: boolean;
  decision: Decision;
  reason?: string;
  ask?: string;
  question?: CommandQuestion;
}

/**
 * Decides every command of a line, whole, before any of it runs. A `bad` or `incomplete` line is decided by what was
 * found in it, because its earlier lines run before the shell notices. Never throws.
 */
export function decideLine(
  parsed: LineResult,
  rights: Rights,
  lookup: Lookup,
  atMs: number,
  context: LineContext,
): LineVerdict {
  const verdict = judgeLine(parsed, { rights, lookup, atMs, context });
  if (verdict.allow || verdict.reason !== undefined) return verdict;
  const scene = { rights, lookup, atMs, context };
  const questions = parsed.commands.map((command) => questionOf(command, lookup, context));
  const refused = parsed.commands.map((command) => judge(command, scene)).filter(({ allow }) => !allow);
  const remedies = leastRemedies(
    rights,
    questions,
    atMs,
    (tried) => judgeLine(parsed, { rights: tried, lookup, atMs, context }).allow,
  );
  if (remedies === undefined) return verdict;
  return { ...verdict, remedies, refused: refused.flatMap(({ question }) => question ?? []) };
}

function judgeLine(parsed: LineResult, scene: Scene): LineVerdict {
  const { context } = scene;
  if (context.gate === 'line-only' && (context.shell ?? 'bash') !== 'bash') return { allow: false, reason: NOT_BASH };
  const unreadable = whyUnreadable(parsed, context);
  const findings = parsed.commands.map((command) => ({ command, found: judge(command, scene) }));
  const refused = findings.find(({ found }) => !found.allow && found.ask === undefined);
  if (refused !== undefined) return refusal(refused.command, refused.found, scene);
  if (unreadable !== undefined) return { allow: false, reason: unreadable };
  const open = findings.filter(({ found }) => found.ask !== undefined);
  const [first] = open;
  if (first !== undefined) {
    const pendingNames = [...new Set(open.map(({ found }) => found.ask ?? ''))];
    return { ...refusal(first.command, first.found, scene), pendingNames };
  }
  const decision = findings.find(({ found }) => found.decision.allow)?.found.decision;
  return { allow: true, ...(decision === undefined ? {} : { decision }) };
}

/** As `decideLine`, for `ssh host command`, in the syntax of the account's shell, which has no aliases then. */
export function decideCommandLine(
  command: string,
  rights: Rights,
  lookup: Lookup,
  atMs: number,
  context: LineContext,
): LineVerdict {
  const parsed = parseIn(command, { shell: context.shell ?? 'bash', comments: true, complete: true });
  return decideLine(parsed, rights, lookup, atMs, { ...context, noShellNames: true });
}

/** The line an engineer sees for a refused line, escaped, without a newline. */
export function phraseRefusal(verdict: LineVerdict, line: string): string {
  const subject = verdict.command ?? line;
  if (verdict.reason === undefined && verdict.decision !== undefined)
    return phraseDenied(subject, verdict.decision, undefined, verdict.remedy === undefined ? [] : [verdict.remedy]);
  const reason = verdict.reason ?? 'no decision could be reached';
  return `sallyport: denied: ${escapeText(subject, SHOWN)} (${escapeText(reason, SHOWN)})`;
}

function whyUnreadable(parsed: LineResult, context: LineContext): string | undefined {
  if (parsed.kind === 'ok') return undefined;
  if (parsed.kind === 'incomplete') return context.gate === 'line-only' ? 'the line does not end' : undefined;
  // The shell itself refuses a syntax error, but where nothing stands behind this gate its parser may know better.
  return parsed.message.startsWith('syntax error') && context.gate === 'exec' ? undefined : parsed.message;
}

function refusal(command: ParsedCommand, found: Finding, { rights, atMs }: Scene): LineVerdict {
  const { decision, reason, question } = found;
  const remedy = reason === undefined && question ? remedyFor(rights, question, decision, atMs) : undefined;
  return {
    allow: false,
    decision,
    command: command.text,
    ...(reason === undefined ? {} : { reason }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function judge(command: ParsedCommand, scene: Scene): Finding {
  const { rights, lookup, atMs, context } = scene;
  const question = questionOf(command, lookup, context);
  return { ...weigh(nameOf(command), question, rights.decide(question, atMs), context), question };
}

function nameOf({ words: [first] }: ParsedCommand): string | undefined {
  return first === undefined || first.dynamic === true ? undefined : first.text;
}

function questionOf(command: ParsedCommand, lookup: Lookup, context: LineContext): CommandQuestion {
  const name = nameOf(command);
  const builtin = name !== undefined && isBuiltin(name, context.shell);
  const program = name === undefined || builtin ? undefined : lookup(name, context.path, context.cwd);
  return {
    kind: 'command',
    words: command.words,
    children: 'checked',
    ...(program === undefined ? {} : { program }),
    ...(builtin ? { builtin: true } : {}),
  };
}

function weigh(name: string | undefined, question: CommandQuestion, decision: Decision, context: LineContext): Finding {
  const lineOnly = context.gate === 'line-only';
  const builtin = question.builtin === true;
  // Nothing else ever sees a builtin, so one that hangs on words nobody knows yet is refused here.
  if (decision.uncertain === true && !builtin) return unknown(decision, lineOnly);
  if (!decision.allow && decision.why !== 'no-rule') return { allow: false, decision };
  if (name === undefined || (!builtin && question.program === undefined)) return unknown(decision, lineOnly);
  if (lineOnly) return knownAlone(name, decision, context);
  return decision.allow ? { allow: true, decision } : perhapsNotItself(name, decision, context);
}

/** It hangs on words only the shell can know: the exec gate will see what it becomes, if there is one. */
function unknown(decision: Decision, lineOnly: boolean): Finding {
  if (!lineOnly) return { allow: true, decision };
  return { allow: false, decision, reason: UNKNOWABLE };
}

/** No rule allows a known name, but it may be an alias or a function in that shell, and these go to the exec gate. */
function perhapsNotItself(name: string, decision: Decision, context: LineContext): Finding {
  if (name.includes('/') || context.noShellNames === true) return { allow: false, decision };
  if (context.shellNames === undefined) return { allow: false, decision, ask: name };
  return { allow: context.shellNames.has(name), decision };
}

/** Without an exec gate a name that is an alias or a function is refused, whatever program it hides. */
function knownAlone(name: string, decision: Decision, context: LineContext): Finding {
  if (!decision.allow || name.includes('/') || context.noShellNames === true)
    return { allow: decision.allow, decision };
  if (context.shellNames === undefined) return { allow: false, decision, ask: name };
  if (!context.shellNames.has(name)) return { allow: true, decision };
  return { allow: false, decision, reason: 'it is an alias or a function, and only lines are checked here' };
}
