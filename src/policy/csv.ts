import { CsvError, parse } from 'csv-parse/sync';
import { messageOf, type Problem } from '../core/errors.js';

/** One row of policy.csv: trimmed fields, quotes removed. */
export interface CsvRow {
  fields: string[];
  /** From 1. */
  line: number;
}

const HINT =
  'a field that holds a comma, a quote or a # at its start is put in double quotes, with "" for a quote in it';

/** Lines read in one go, which takes a few ms. */
const PIECE = 500;

/**
 * Reads CSV text, `#` starts a comment at the start of a line only. Yields in pieces, so that a big file need not hold
 * up everything else; stops after a piece that is unreadable. What is wrong becomes problems; never throws.
 */
export function* readCsv(text: string, file: string): Generator<{ records: CsvRow[]; problems: Problem[] }> {
  let line = 0;
  for (let at = 0; at < text.length; line += PIECE) {
    const end = endOfPiece(text, at);
    try {
      yield readPiece(text.slice(at, end), line, file);
    } catch (error) {
      yield { records: [], problems: [unreadable(error, line, file)] };
      return;
    }
    at = end;
  }
}

function endOfPiece(text: string, from: number): number {
  let at = from;
  for (let lines = 0; lines < PIECE; lines++) {
    const next = text.indexOf('\n', at);
    if (next < 0) return text.length;
    at = next + 1;
  }
  return at;
}

function readPiece(text: string, before: number, file: string): { records: CsvRow[]; problems: Problem[] } {
  const rows = parse(text, OPTIONS) as unknown as { record: string[]; info: { lines: number } }[];
  return split(
    rows.map((row) => ({ fields: row.record, line: before + row.info.lines })),
    file,
  );
}

const OPTIONS = {
  bom: true,
  comment: '#',
  comment_no_infix: true,
  info: true,
  record_delimiter: ['\n', '\r\n'],
  relax_column_count: true,
  skip_empty_lines: true,
  trim: true,
};

function split(all: CsvRow[], file: string): { records: CsvRow[]; problems: Problem[] } {
  const records: CsvRow[] = [];
  const problems: Problem[] = [];
  for (const record of all) {
    if (record.fields.length === 1 && record.fields[0] === '') continue;
    // A line break inside quotes is legal CSV, but a rule that spans lines is a quote left open by mistake.
    if (record.fields.some((field) => CONTROL.test(field))) {
      const message = 'a field holds a line break or another control character; close its quotes on the same line';
      problems.push({ file, line: record.line, message, severity: 'error' });
    } else records.push(record);
  }
  return { records, problems };
}

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

function unreadable(error: unknown, before: number, file: string): Problem {
  if (!(error instanceof CsvError)) return { file, message: messageOf(error), severity: 'error' };
  const line = typeof error.lines === 'number' ? before + error.lines : undefined;
  const what = WHAT[error.code] ?? error.message.split('\n')[0] ?? error.code;
  return { file, ...(line === undefined ? {} : { line }), message: `${what}; ${HINT}`, severity: 'error' };
}

const WHAT: Record<string, string> = {
  INVALID_OPENING_QUOTE: 'a double quote stands inside an unquoted field',
  CSV_INVALID_CLOSING_QUOTE: 'something follows a closing double quote',
  CSV_QUOTE_NOT_CLOSED: 'a double quote is never closed (it may have been opened on an earlier line)',
};
