/**
 * Makes text from outside safe for a terminal or a log line: C0, DEL, C1 controls, line separators and
 * bidirectional or invisible formatting characters become visible escapes; at most `max` characters remain,
 * the cut shown as an ellipsis.
 */
export function escapeText(text: string, max = 200): string {
  // Cut before and after: escaping a megabyte to show 200 characters would be work for an attacker's sake.
  const escaped = text.slice(0, max + 1).replace(UNSAFE, escapeChar);
  // No half of a character remains at the cut.
  return escaped.length > max ? `${escaped.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…` : escaped;
}

const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u115f\u1160\u3164\uffa0]|\udb40[\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

function escapeChar(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  return SHORT[c] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`);
}

/** An argv as one line a person could read: words quoted where they need it, then escaped and cut. */
export function showArgv(argv: readonly string[], max = 200): string {
  let text = '';
  for (const word of argv) {
    // Quoting a megabyte to show 200 characters would be work for an attacker's sake.
    text += (text === '' ? '' : ' ') + quoteWord(word.slice(0, max + 1));
    if (text.length > max) break;
  }
  return escapeText(text, max);
}

function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** One line of JSON that is safe for a terminal too: what JSON leaves raw of the above is written as \uXXXX. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, unitEscapes);
}

/** A character beyond the first 65,536 is two. */
const unitEscapes = (c: string): string =>
  c
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
