/** Whoever is at the other end of one control connection. */
import type { Caller } from './admin-port.js';
import type { AnyVerb } from './streams.js';

export interface Asker {
  /** Names the caller of a verb, or rejects with `refused`. */
  identify(verb: AnyVerb): Promise<Caller>;
  /** Asked again while a stream flows: rejects when that verb would be refused now. */
  stillMay(verb: AnyVerb): Promise<void>;
  /** What is bounded is bounded for each of these. */
  readonly share: string;
}
