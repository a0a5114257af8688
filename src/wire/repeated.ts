import type { GuardToDoor } from './guard.js';
import { quickAsk } from './quick.js';

/**
 * A build asks the same over and over: all of an ask but its numbers, which the guard writes first. What was parsed and
 * checked once is known again by its text.
 */

const HEAD = /^\{"type":"ask","q":(-?\d{1,15}),"pid":(-?\d{1,15}),"image":(-?\d{1,15}),"under":(-?\d{1,15}),/;
/** Asks remembered, and the longest of them, characters. */
const MAX_KNOWN = 512;
const MAX_TEXT = 4_096;

type Ask = Extract<GuardToDoor, { type: 'ask' }>;

/** The check of an ask as text, as the schema would have it; undefined leaves the word to parser and schema. */
export function createAskReader(): (text: string) => GuardToDoor | undefined {
  const known = new Map<string, Ask>();
  return (text) => {
    const head = text.length > MAX_TEXT ? null : HEAD.exec(text);
    if (!head) return undefined;
    const rest = text.slice(head[0].length);
    const alike = known.get(rest) ?? remember(known, text, rest);
    if (!alike) return undefined;
    const [, q, pid, image, under] = head;
    return { ...alike, q: Number(q), pid: Number(pid), image: Number(image), under: Number(under) };
  };
}

/** Only what comes back from parsing as it was: a field written twice would not. */
function remember(known: Map<string, Ask>, text: string, rest: string): Ask | undefined {
  const value: unknown = JSON.parse(text);
  const ask = quickAsk(value);
  if (ask?.type !== 'ask' || JSON.stringify(value) !== text) return undefined;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(rest, freeze(ask));
  return ask;
}

/** What is shared is never changed in place. */
function freeze(ask: Ask): Ask {
  const { program } = ask;
  for (const list of [ask.argv, ask.parent, ask.hooks, program.names, program.trustedNames, program.same ?? []])
    Object.freeze(list);
  Object.freeze(program);
  return Object.freeze(ask);
}
