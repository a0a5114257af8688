import { HomeBusyError } from '../control/busy.js';
import { sleep } from '../core/clock.js';
import { clock } from './now.js';

/** How long a broker that starts or stops, or another command, may keep the home from us. Unit: ms. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 50;

/** Tries again while another process has the home; rejects with the HomeBusyError when that takes too long. */
export async function patiently<T>(once: () => Promise<T>): Promise<T> {
  for (const giveUp = clock.mono() + PATIENCE_MS; ; await sleep(clock, RETRY_MS)) {
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof HomeBusyError) || clock.mono() >= giveUp) throw error;
    }
  }
}
