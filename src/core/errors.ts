/** What went wrong, in the classes the CLI's exit codes know. */
export type ErrorCode = 'failed' | 'usage' | 'not-found' | 'refused' | 'unreachable';

export const EXIT_CODES: Record<ErrorCode, number> = {
  failed: 1,
  usage: 2,
  'not-found': 3,
  refused: 4,
  unreachable: 5,
};

/**
 * An error with words for a person: `message` is one line that says what failed, where, and what to do.
 * `detail` is for the operator's log only and never reaches an engineer.
 */
export class SallyportError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, detail?: string) {
    super(message);
    this.name = 'SallyportError';
    this.code = code;
    this.detail = detail;
  }
}

/** One thing wrong in a file a person wrote. `line` counts from 1; absent where the whole file is meant. */
export interface Problem {
  file: string;
  line?: number | undefined;
  /** What is wrong and what to do, one line. */
  message: string;
  severity: 'error' | 'warning';
}

export function formatProblem(p: Problem): string {
  return `${p.file}${p.line === undefined ? '' : `:${p.line}`}: ${p.severity === 'warning' ? 'warning: ' : ''}${p.message}`;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
