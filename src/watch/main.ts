/** A viewer's process: draws the screen of one session that is watched. No privilege. Started by the keeper alone. */
import { setPriority } from 'node:os';
import { liveForKeeper } from '../helper/index.js';
import { RECORDING_FD, toViewer, type ViewerNews, type ViewerOrder } from '../wire/watch.js';
import { startViewer, type Viewer } from './viewer.js';

/** After the broker, before sessions (5 where nothing else is configured), which else could keep themselves from being seen. */
const NICE = 3;

let viewer: Viewer | undefined;

const keeper = liveForKeeper<ViewerOrder, ViewerNews>({
  name: 'viewer',
  incoming: toViewer,
  isOrder: (message): message is ViewerOrder => message.type !== 'hello',
  started(clock) {
    setPriority(NICE);
    // Where the recording cannot be read nothing is left to do: it ends of the error.
    viewer = startViewer({ fd: RECORDING_FD, clock, send: (message) => void keeper.send(message) });
  },
  heard(order) {
    if (order.type === 'audience') viewer?.audience(order.watchers);
    else viewer?.finish();
  },
});
