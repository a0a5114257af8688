import type { BaseFacts } from './types.js';
/** What CEL sees. */
export type Facts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export function factsAt(_base: BaseFacts, _atMs: number): Facts {
  throw new Error('not there yet');
}
