import type { ReplayOptions } from './types.js';
export async function replay(_options: ReplayOptions): Promise<void> {
  throw new Error('not yet');
}
