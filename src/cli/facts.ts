/** Facts as people write them: KEY=VALUE. */
import { SallyportError } from '../core/errors.js';

type Value = string | number | boolean;

const PAIR = /^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)=(.*)$/s;

/** `risk.score=80` as `{ 'risk.score': 80 }`: numbers, true and false are read as such, "80" stays text. Throws `usage`. */
export function parseFacts(what: string, list: readonly string[]): Record<string, Value> {
  return Object.fromEntries(
    list.map((text) => {
      const [name, value] = pair(what, text, 'risk.score=80');
      return [name, factValue(value)];
    }),
  );
}

/** As `parseFacts`; nothing after the = takes the fact away. Throws `usage`. */
export function parseChanges(what: string, list: readonly string[], example: string): Record<string, Value | null> {
  const found: Record<string, Value | null> = {};
  for (const text of list) {
    const [name, value] = pair(what, text, example);
    if (Object.hasOwn(found, name)) throw new SallyportError('usage', `${what}: ${name} is given twice`);
    found[name] = value === '' ? null : factValue(value);
  }
  return found;
}

function pair(what: string, text: string, example: string): [string, string] {
  const [, name, value] = PAIR.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new SallyportError('usage', `${what} ${text}: write KEY=VALUE, e.g. ${example}`);
}

function factValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text;
}
