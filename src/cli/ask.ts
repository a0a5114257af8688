/** Runs one admin verb: through the broker, or in this process when none is running and the verb allows it. */
import { join } from 'node:path';
import { type Reply, type Request, VERBS, type Verb } from '../control/admin-port.js';
import { callBroker } from '../control/client.js';
import { findHome } from '../config/index.js';
import { SallyportError } from '../core/errors.js';
import type { Globals } from './output.js';

/** Rejects with the operation's error, or `unreachable` when only a running broker could answer. */
export async function ask<V extends Verb>(globals: Globals, verb: V, request: Request<V>): Promise<Reply<V>> {
  const home = homeOf(globals);
  try {
    return await callBroker(join(home, 'run', 'control.sock'), verb, request);
  } catch (error) {
    if (!isUnreachable(error) || !VERBS[verb].offline) throw error;
    const { mayWorkOffline, withOfflinePort } = await import('../control/offline.js');
    if (!mayWorkOffline(home)) throw error;
    return await withOfflinePort(home, async (port, caller) => await port[verb](request, caller));
  }
}

export function homeOf(globals: Globals): string {
  return findHome(globals.home === undefined ? {} : { home: globals.home });
}

const isUnreachable = (error: unknown) => error instanceof SallyportError && error.code === 'unreachable';
