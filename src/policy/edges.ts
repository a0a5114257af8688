import type { Question, Rights } from './types.js';
export function nextEdge(_r: Rights, _q: Question, _fromMs: number, _horizonMs: number): number | undefined {
  throw new Error('not there yet');
}
