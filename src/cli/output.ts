/** Where commands write: text for people, or one JSON value a line. */
import { EXIT_CODES, messageOf, SallyportError } from '../core/errors.js';
import { escapeText, safeJson } from '../core/escape.js';

/** What every command gets: the options that any of them takes. */
export interface Globals {
  home?: string;
  json?: boolean;
}

/** Prints `value` as JSON under --json, else the lines made from it. */
export function show<T>(globals: Globals, value: T, render: (value: T) => readonly string[]): void {
  if (globals.json) process.stdout.write(`${safeJson(value)}\n`);
  else for (const line of render(value)) process.stdout.write(`${line}\n`);
}

/** Longest line of an error shown; longer ones are cut rather than scroll the reason away. Unit: characters. */
const MAX_ERROR = 600;

/** One line on stderr per problem, nearly always one; returns the exit code that goes with the error. */
export function reportError(error: unknown): number {
  for (const line of messageOf(error).trim().split('\n'))
    process.stderr.write(`sallyport: ${escapeText(line, MAX_ERROR)}\n`);
  return error instanceof SallyportError ? EXIT_CODES[error.code] : EXIT_CODES.failed;
}
