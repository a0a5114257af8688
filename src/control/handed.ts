/** Connections to the broker that were handed to this process as descriptors, in place of a socket to connect to. */
import { Agent, type AgentOptions } from 'node:http';
import { Socket } from 'node:net';
import { SallyportError } from '../core/errors.js';
import { HANDED } from '../wire/guard.js';

/** A connection whose answer was read to its end is used again; one that was broken off is gone. */
export class HandedAgent extends Agent {
  readonly #fds: number[];

  constructor(fds: readonly number[], options: AgentOptions = {}) {
    super({ ...options, keepAlive: true, maxSockets: Math.max(1, fds.length) });
    this.#fds = [...fds];
  }

  override createConnection(): Socket {
    const fd = this.#fds.shift();
    if (fd === undefined)
      throw new SallyportError('failed', 'every connection of this session to the broker is used up');
    return new Socket({ fd, readable: true, writable: true });
  }
}

/** What this process was given; undefined: nothing. */
export function handedConnections(): HandedAgent | undefined {
  const text = process.env[HANDED];
  if (text === undefined || !/^\d{1,4}(,\d{1,4}){0,7}$/.test(text)) return undefined;
  return new HandedAgent(text.split(',').map(Number));
}
