import { ANY, type Glob, literalOf } from './glob.js';
import { lexPattern, type RawWord } from './lex.js';
import {
  type ActionPattern,
  type CommandPattern,
  type OptionGroup,
  type Pattern,
  PatternError,
  type Token,
} from './types.js';

/** Reads the command column of a rule. Throws PatternError with words for a person. */
export function parsePattern(text: string): Pattern {
  if (text.startsWith('@')) return parseAction(text);
  const words = lexPattern(text);
  const first = words[0];
  if (first === undefined) throw new PatternError('the command is empty; write * for every command');
  if (words.length === 1 && (first.source === '*' || first.source === '**')) return EVERY;
  const pattern: Mutable = { rest: [], options: [], dashes: false };
  if (first.source === '**') pattern.rest.push({ kind: 'many' });
  for (const word of words.slice(1)) add(pattern, word);
  return { kind: 'command', every: false, program: programOf(first), ...pattern };
}

const EVERY: CommandPattern = {
  kind: 'command',
  every: true,
  program: [ANY],
  rest: [{ kind: 'many' }],
  options: [],
  dashes: false,
};

interface Mutable {
  rest: Token[];
  options: OptionGroup[];
  dashes: boolean;
}

function programOf(word: RawWord): readonly Glob[] {
  if (word.source === '**') return [ANY];
  for (const glob of word.alternatives) {
    const text = glob.join('*');
    if (text === '') throw new PatternError('the program has no name');
    if (word.braces && text.startsWith('-'))
      throw new PatternError('a command starts with a program, not with an option');
    if (text.includes('/') && !/^[/*]/.test(text)) {
      throw new PatternError(`${text} can never match: with a / it is the resolved path, which starts with /`);
    }
  }
  return word.alternatives;
}

function add(pattern: Mutable, word: RawWord): void {
  if (word.source === '**') pattern.rest.push({ kind: 'many' });
  else if (/^\*\*+|\*\*/.test(word.source) && !word.quoted) {
    throw new PatternError(`** stands alone between blanks, for any number of words; in ${word.source} write *`);
  } else if (isOptionGroup(word)) pattern.options.push(optionsOf(word));
  else {
    if (word.alternatives.some((glob) => literalOf(glob) === '--')) pattern.dashes = true;
    pattern.rest.push({ kind: 'word', alternatives: word.alternatives });
  }
}

function isOptionGroup(word: RawWord): boolean {
  if (!word.braces) return false;
  const dashed = word.alternatives.filter((glob) => glob[0]?.startsWith('-')).length;
  if (dashed > 0 && dashed < word.alternatives.length) {
    throw new PatternError(
      `${word.source} mixes options and plain words; every alternative starts with - or none does`,
    );
  }
  return dashed > 0;
}

function optionsOf(word: RawWord): OptionGroup {
  return word.alternatives.map((glob) => {
    const option = literalOf(glob);
    if (option === undefined) throw new PatternError(`${word.source}: an option in braces is written out, without *`);
    if (option === '-' || option === '--')
      throw new PatternError(`${word.source}: ${option} is no option; write it as a word`);
    return option;
  });
}

/** Actions there are; HOST and PORT and VERB are free. */
const ACTIONS: Record<string, number> = {
  login: 0,
  session: 0,
  exec: 0,
  agent: 0,
  sftp: 1,
  forward: 2,
  admin: 1,
  watched: 0,
};

function parseAction(text: string): ActionPattern {
  if (/\s/.test(text))
    throw new PatternError(`${text}: an action is one word; write '@…' in quotes if a program is meant`);
  const parts = splitAction(text.slice(1)).map((part) => {
    const word = part === '' ? undefined : lexPattern(part)[0];
    if (word === undefined) throw new PatternError(`${text} has an empty part`);
    return word.alternatives;
  });
  const name = literalOf(parts[0]?.[0] ?? ANY);
  const wanted = name === undefined || parts[0]?.length !== 1 ? undefined : ACTIONS[name];
  if (wanted === undefined || !Object.hasOwn(ACTIONS, name ?? ''))
    throw new PatternError(`${text} is not an action; ${KNOWN}`);
  if (parts.length - 1 !== wanted)
    throw new PatternError(`${text} has ${parts.length - 1} parts after its name; ${KNOWN}`);
  return { kind: 'action', parts };
}

const KNOWN =
  'known are @login, @session, @exec, @watched, @agent, @sftp:read, @sftp:write, @forward:HOST:PORT and @admin:VERB';

/** Colon-parts; a bracketed IPv6 address is one part. */
export function splitAction(action: string): string[] {
  const parts: string[] = [];
  let at = 0;
  while (at <= action.length) {
    const close = action[at] === '[' ? action.indexOf(']', at) : -1;
    const colon = action.indexOf(':', close < 0 ? at : close);
    const end = colon < 0 ? action.length : colon;
    parts.push(action.slice(at, end));
    at = end + 1;
  }
  return parts;
}
