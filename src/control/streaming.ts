/** The streams over the files and the live sessions of the home that a broker holds. */
import { findRecording, rawBytes } from '../record/index.js';
import { act } from './act.js';
import type { Deps } from './deps.js';
import { auditIn, recordingsIn, replayTrace } from './evidence.js';
import { homePaths } from './home.js';
import type { StreamPort } from './streams.js';
import { type Watches, watchIn } from './watch.js';

export type StreamDeps = Pick<Deps, 'audit' | 'clock' | 'config' | 'live'> & { watches: Watches };

export function createStreams(deps: StreamDeps): StreamPort {
  const home = () => deps.config().home;
  return {
    recordings: (filter, signal) => recordingsIn(home(), filter, signal),
    audit: ({ follow = false, ...filter }, signal) => auditIn(home(), filter, { clock: deps.clock, follow, signal }),
    replay: async ({ id }, caller) => {
      const found = await findRecording(homePaths(home()).recordings, id);
      return await act(deps, 'replay', caller, replayTrace(found), async () => rawBytes(found.path));
    },
    watch: ({ id }, caller, signal) => watchIn(deps, id, caller, signal),
  };
}
