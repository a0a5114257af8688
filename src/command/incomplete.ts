import { forEachChild, type ParsedScript, type ParseError, type SyntaxNode } from 'unbash';

/** Errors (in unbash's own words; its version is pinned) that more input could not mend although they stand at the end. */
const FINAL = new Set([
  'expected redirect target',
  "expected command after 'coproc'",
  'expected operand after unary test operator',
]);

/** Told beside the error that matters, at the start of an empty group. */
const BESIDE = /^expected command in (brace group|subshell)$/;

/** Only blanks, newlines and comments. */
const NOTHING_MORE = /^(?:\s|#[^\n]*)*$/;

/** Whether the shell would ask for more input: an open quote, substitution, group or here-document, a dangling operator. */
export function endsInside(text: string, script: ParsedScript): boolean {
  const errors = script.errors ?? [];
  const first = errors.find((error) => !BESIDE.test(error.message));
  if (first) return isOpenEnd(text, first);
  if (errors.length > 0) return false;
  return endsWithContinuation(text, script) || hasOpenPart(script);
}

function isOpenEnd(text: string, error: ParseError): boolean {
  if (error.message.startsWith('unterminated')) return true;
  if (!error.message.startsWith('expected') || FINAL.has(error.message)) return false;
  if (/(?:^|[\s;&|({])(?:for|case|select|function)\s*$/.test(text)) return false;
  return NOTHING_MORE.test(text.slice(error.pos));
}

/** A backslash before the end that is itself neither escaped nor in a comment. */
function endsWithContinuation(text: string, script: ParsedScript): boolean {
  const slashes = /(\\+)\n?$/.exec(text)?.[1];
  if (slashes === undefined || slashes.length % 2 === 0) return false;
  const tail = text.slice(script.commands.at(-1)?.end ?? 0);
  return !/(?:^|[\s;&|()])#[^\n]*\n?$/.test(tail);
}

/** A here-document without its closing line, or an old-style `$[` without its bracket: unbash calls neither an error. */
function hasOpenPart(node: SyntaxNode): boolean {
  if (node.type === 'HereDoc' && node.closing === undefined) return true;
  if ((node.type === 'Word' && !node.parts) || node.type === 'Literal') {
    if (/(?<!\\)\$\[/.test(node.text)) return true;
  }
  let open = false;
  forEachChild(node, (child) => {
    open ||= hasOpenPart(child);
  });
  return open;
}
