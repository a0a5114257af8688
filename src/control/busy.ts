import { SallyportError } from '../core/errors.js';

/** Another process works on the home right now: a broker that starts or stops, or another command. */
export class HomeBusyError extends SallyportError {}
