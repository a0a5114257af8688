import { type LineResult, type ParsedCommand, parseIn, type Syntax } from '../command/index.js';

/** Characters parsed at most to take one text apart; beyond it the rest is held back in one. */
const MAX_WORK = 2 * 1024 * 1024;

/** A text as the shell takes it: complete commands, each run before the next is read. */
export interface Pieces {
  /** Everything that runs once the text is accepted; `incomplete` only if nothing in it is complete. */
  runs: LineResult;
  /** What the shell holds back and asks to be continued; empty when the text ends whole. */
  rest: string;
}

export function takeApart(text: string, syntax: Syntax): Pieces {
  const whole = parseIn(text, syntax);
  if (whole.kind !== 'incomplete') return { runs: whole, rest: '' };
  if (!text.includes('\n')) return { runs: whole, rest: text };
  const { commands, rest } = walk(text.split('\n'), { ...syntax, complete: false });
  return commands === undefined ? { runs: whole, rest: text } : { runs: { kind: 'ok', commands }, rest };
}

function walk(lines: readonly string[], syntax: Syntax): { commands?: ParsedCommand[]; rest: string } {
  let work = 0;
  let rest: string | undefined;
  let commands: ParsedCommand[] | undefined;
  for (const line of lines) {
    rest = rest === undefined ? line : `${rest}\n${line}`;
    work += rest.length;
    if (work > MAX_WORK) continue;
    const parsed = parseIn(rest, syntax);
    if (parsed.kind === 'incomplete') continue;
    commands = [...(commands ?? []), ...parsed.commands];
    rest = undefined;
  }
  return { ...(commands === undefined ? {} : { commands }), rest: rest ?? '' };
}
