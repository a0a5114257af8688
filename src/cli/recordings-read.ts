/** Finds recordings: in the files of a home for who may read them, else through the broker. */
import { recordingsIn } from '../control/evidence.js';
import { homePaths } from '../control/home.js';
import { askFrames } from '../control/stream-client.js';
import { type RecordingView, recordingView } from '../control/streams.js';
import { escapeText } from '../core/escape.js';
import type { FindFilter } from '../record/index.js';
import type { Place } from './place.js';
import { mayRead } from './readable.js';

/** Newest first. Damaged files are named on stderr and passed over. */
export async function listRecordings({ home, way }: Place, filter: Omit<FindFilter, 'ids'>): Promise<RecordingView[]> {
  const views =
    home !== undefined && mayRead(homePaths(home).recordings)
      ? recordingsIn(home, filter)
      : askFrames({
          way,
          verb: 'recordings',
          request: filter,
          schema: recordingView,
          signal: new AbortController().signal,
        });
  const list: RecordingView[] = [];
  for await (const found of views) {
    if ('item' in found) list.push(found.item);
    else process.stderr.write(`sallyport: ${escapeText(found.problem, 600)}\n`);
  }
  return list;
}
