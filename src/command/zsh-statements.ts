/** How one character changes what the next ones mean. */
interface Lexer {
  text: string;
  at: number;
  /** Brackets open: `(`, `[[`, `${`, `{` and the like; nothing in them is cut. */
  depth: number;
}

/**
 * A line cut at the `;`, `&`, `|` and newlines that stand outside quotes and brackets. Empty when it holds what makes
 * that unsafe: a here-document (whose body is data), a comment, or brackets that do not pair.
 */
export function statementsOf(text: string): string[] {
  if (text.includes('<<')) return [];
  const lexer: Lexer = { text, at: 0, depth: 0 };
  const statements: string[] = [];
  let from = 0;
  while (lexer.at < text.length) {
    const c = text[lexer.at] ?? '';
    if (c === '#' && startsWord(lexer)) return [];
    if (lexer.depth === 0 && '\n;&|'.includes(c) && !isRedirection(lexer)) {
      statements.push(text.slice(from, lexer.at));
      from = lexer.at + 1;
    }
    if (!step(lexer, c)) return [];
  }
  if (lexer.depth !== 0) return [];
  return [...statements, text.slice(from)].map((s) => s.trim()).filter((s) => s !== '');
}

const startsWord = ({ text, at }: Lexer): boolean => at === 0 || /[\s;&|()]/.test(text[at - 1] ?? '');

/** `>&2`, `&>file`, `>|file`: no end of a statement. */
function isRedirection({ text, at }: Lexer): boolean {
  const before = text[at - 1];
  return before === '>' || before === '<' || (text[at] === '&' && text[at + 1] === '>');
}

/** Moves over one character, escaped or quoted text; false where a bracket closes that was not opened, or a quote does not end. */
function step(lexer: Lexer, c: string): boolean {
  if (c === '\\') lexer.at += 2;
  else if (c === "'" || c === '"' || c === '`') return skipQuoted(lexer, c);
  else {
    if ('([{'.includes(c)) lexer.depth += 1;
    if (')]}'.includes(c)) lexer.depth -= 1;
    lexer.at += 1;
  }
  return lexer.depth >= 0;
}

function skipQuoted(lexer: Lexer, quote: string): boolean {
  const { text } = lexer;
  const escapes = quote !== "'" || text[lexer.at - 1] === '$';
  let at = lexer.at + 1;
  while (at < text.length && text[at] !== quote) at += escapes && text[at] === '\\' ? 2 : 1;
  lexer.at = at + 1;
  return at < text.length;
}
