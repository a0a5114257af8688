/** The process that draws the screen of one watched session, as the keeper sees it. */
import { closeSync, constants, openSync } from 'node:fs';
import type { EndCause } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import { type FromViewer, fromViewer, type ToViewer, type View } from '../wire/watch.js';
import { startProcess } from './helper.js';

/** The largest screen and the longest line of a recording take a tenth of it. Unit: MiB. */
const MEMORY = 192;

export interface ViewerHooks {
  view(view: View): void;
  over(cause: EndCause | undefined): void;
  /** It ended, or was ended, before it said `over`. */
  lost(why: string): void;
}

export interface ViewerProcess {
  audience(watchers: number): void;
  finish(): void;
  stop(): void;
}

/** Throws where the recording cannot be opened. */
export function startViewerProcess(
  recording: string,
  clock: Clock,
  drop: { uid: number; gid: number } | undefined,
  hooks: ViewerHooks,
): ViewerProcess {
  // Opened here, where there is the right to; nothing is read of it with that right.
  const fd = openSync(recording, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  let settled = false;
  const once = (then: () => void) => {
    if (!settled) then();
    settled = true;
  };
  try {
    const process = startProcess<FromViewer, ToViewer>(
      {
        entry: '../watch/main.js',
        clock,
        incoming: fromViewer,
        hello: { type: 'hello', ...(drop === undefined ? {} : { drop }) },
        fd,
        memory: MEMORY,
      },
      (message) => {
        if (settled) return;
        if (message.type === 'view') hooks.view(message.view);
        else if (message.type === 'over') once(() => hooks.over(message.cause));
      },
      (why) => once(() => hooks.lost(why)),
    );
    return {
      audience: (watchers) => process.send({ type: 'audience', watchers }),
      finish: () => process.send({ type: 'finish' }),
      stop() {
        once(() => {});
        process.kill('nobody watches');
      },
    };
  } finally {
    closeSync(fd);
  }
}
