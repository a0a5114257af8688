import { formatProblem } from '../core/errors.js';
import { escapeText } from '../core/escape.js';

/** Longest problem shown: conditions are quoted in them. Unit: characters. */
const MAX_PROBLEM = 1000;

interface ProblemView {
  file: string;
  line?: number | undefined;
  message: string;
  severity: 'error' | 'warning';
}

/** `file:line: message`, one a line. */
export function problemLines(problems: readonly ProblemView[]): string[] {
  return problems.map(({ file, line, message, severity }) =>
    escapeText(formatProblem({ file, message, severity, ...(line !== undefined && { line }) }), MAX_PROBLEM),
  );
}
