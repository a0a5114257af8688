import { systemClock } from '../core/clock.js';

/** The one clock of the command line. */
export const clock = systemClock();

/** Wall time, ms since the epoch. */
export const now = () => clock.now();
