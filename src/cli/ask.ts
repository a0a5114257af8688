/** Runs one admin verb: through the broker, or in this process when none is running and the verb allows it. */
import { existsSync } from 'node:fs';
import { type Reply, type Request, VERBS, type Verb } from '../control/admin-port.js';
import { callBroker } from '../control/client.js';
import { dispatch } from '../control/dispatch.js';
import { homePaths } from '../control/home.js';
import { SallyportError } from '../core/errors.js';
import type { Globals } from './output.js';
import { patiently } from './patience.js';
import { placeOf } from './place.js';

/** Rejects with the operation's error, or `unreachable` when only a running broker could answer. */
export async function ask<V extends Verb>(globals: Globals, verb: V, request: Request<V>): Promise<Reply<V>> {
  const { home, way } = placeOf(globals);
  if (home === undefined) return await callBroker(way, verb, request);
  return await patiently(() => once(home, verb, request)).catch((error: unknown) => {
    throw isUnreachable(error) && inSession() ? insideSession() : error;
  });
}

async function once<V extends Verb>(home: string, verb: V, request: Request<V>): Promise<Reply<V>> {
  try {
    return await callBroker(homePaths(home).controlSocket, verb, request);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    if (!VERBS[verb].offline) throw existsSync(homePaths(home).config) ? error : noHome(home);
    const { mayWorkOffline, withOfflinePort } = await import('../control/offline.js');
    if (!mayWorkOffline(home)) throw error;
    return await withOfflinePort(home, (port, caller) => dispatch(port, verb, request, caller));
  }
}

const inSession = () => process.env.SALLYPORT_SESSION !== undefined;

const insideSession = () =>
  new SallyportError(
    'refused',
    'admin commands are not taken from inside a session: leave it, and say `ssh USER@BASTION sallyport …` where you came from',
  );

/** Said instead of "no broker is running", which would send people to start one. */
const noHome = (home: string) =>
  new SallyportError(
    'unreachable',
    `${homePaths(home).config}: not found: make a home with \`sallyport init\`, or name another with --home`,
  );

const isUnreachable = (error: unknown) => error instanceof SallyportError && error.code === 'unreachable';
