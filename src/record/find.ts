import type { FindFilter, RecordingEntry } from './types.js';
export async function* findRecordings(_root: string, _filter: FindFilter = {}): AsyncGenerator<RecordingEntry> {
  throw new Error('not yet');
}
