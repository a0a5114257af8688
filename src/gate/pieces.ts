import { type LineResult, type ParsedCommand, parseLine } from '../command/index.js';

/** Characters parsed at most to take one text apart; beyond it the rest counts as one piece. */
const MAX_WORK = 2 * 1024 * 1024;

/** A text as the shell takes it: complete commands one after another, each read and run before the next is read. */
export interface Pieces {
  /** Everything that runs once the text is accepted; `incomplete` only if nothing in it is complete. */
  runs: LineResult;
  /** How often the shell reads a command from this text, its unfinished rest not counted; at least 1 if it ends whole. */
  count: number;
  /** What the shell holds back and asks to be continued; empty when the text ends whole. */
  rest: string;
}

export function takeApart(text: string): Pieces {
  const whole = parseLine(text);
  if (!text.includes('\n'))
    return { runs: whole, count: whole.kind === 'incomplete' ? 0 : 1, rest: restOf(whole, text) };
  const { count, commands, rest } = walk(text.split('\n'));
  if (whole.kind !== 'incomplete') return { runs: whole, count: Math.max(1, count), rest: '' };
  return { runs: count === 0 ? whole : { kind: 'ok', commands }, count, rest: rest === '' ? text : rest };
}

function restOf(whole: LineResult, text: string): string {
  return whole.kind === 'incomplete' ? text : '';
}

function walk(lines: readonly string[]): { count: number; commands: ParsedCommand[]; rest: string } {
  let count = 0;
  let work = 0;
  let rest: string | undefined;
  const commands: ParsedCommand[] = [];
  for (const line of lines) {
    rest = rest === undefined ? line : `${rest}\n${line}`;
    work += rest.length;
    if (work > MAX_WORK) continue;
    const parsed = parseLine(rest);
    if (parsed.kind === 'incomplete') continue;
    count += 1;
    commands.push(...parsed.commands);
    rest = undefined;
  }
  return { count, commands, rest: rest ?? '' };
}
