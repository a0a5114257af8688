import type { Cast, RecordingEnd, StreamName } from './types.js';
export async function readCast(_source: string): Promise<Cast> {
  throw new Error('not yet');
}
export async function* exactBytes(_path: string, _stream: StreamName): AsyncGenerator<Buffer> {
  throw new Error('not yet');
}
export async function readEnd(_path: string): Promise<RecordingEnd | undefined> {
  throw new Error('not yet');
}
