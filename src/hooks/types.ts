import type { HookEventName } from '../config/index.js';
import type { AuditEvent } from '../store/index.js';

/** What happened, as receivers read it: the audit log's entry with a name and an id of its own. */
export interface HookEvent extends Omit<AuditEvent, 'event' | 'seq'> {
  /** The same each time it is sent: receivers know by it what they had already. */
  id: string;
  /** `dropped`: events this receiver was not told of, how many in `data`. */
  event: HookEventName | 'dropped';
  /** Its line in the audit log. */
  seq?: number;
  /** Something of it was too long to be sent; the audit log has it. */
  cut?: true;
}

/** `idle`: nothing was sent yet. */
export type HookState = 'idle' | 'ok' | 'failing';

export interface HookHealth {
  state: HookState;
  /** Events that wait to be sent, those on their way with them. */
  waiting: number;
  delivered: number;
  /** Sent, and given up on. */
  failed: number;
  /** Never sent: too many waited, or for too long. */
  dropped: number;
  /** Wall time, ms. */
  okAt?: number;
  error?: string;
  errorAt?: number;
}

/** Why events did not arrive, in words for the operator. */
export class DeliveryError extends Error {
  /** Whether it may go better later. */
  readonly again: boolean;
  /** What the receiver asked to be left in peace for, ms. */
  readonly afterMs: number | undefined;
  constructor(message: string, again: boolean, afterMs?: number) {
    super(message);
    this.name = 'DeliveryError';
    this.again = again;
    this.afterMs = afterMs;
  }
}
