import type { Rights, RightsData } from './types.js';
export function compileRights(_data: RightsData): Promise<Rights> {
  return Promise.reject(new Error('not there yet'));
}
