import type { LabelType } from '../policy/types.js';

/** Whether a value is of a declared label's type. */
export function hasType(value: unknown, type: LabelType): boolean {
  if (type === 'int') return Number.isSafeInteger(value);
  if (type === 'double') return typeof value === 'number' && Number.isFinite(value);
  if (type === 'bool') return typeof value === 'boolean';
  return type === 'string' && typeof value === 'string';
}

export const isLabelType = (word: unknown): word is LabelType =>
  word === 'string' || word === 'int' || word === 'double' || word === 'bool';
