/** Where this command runs: on the bastion itself, or over ssh, in a session that was given its own way to the broker. */
import { findHome } from '../config/index.js';
import type { Way } from '../control/client.js';
import { type HandedAgent, handedConnections } from '../control/handed.js';
import { homePaths } from '../control/home.js';
import { SallyportError } from '../core/errors.js';
import type { Globals } from './output.js';

let handed: HandedAgent | undefined;

/** Undefined: not over ssh. */
function handedWay(): HandedAgent | undefined {
  handed ??= handedConnections();
  return handed;
}

export const isOverSsh = () => handedWay() !== undefined;

/** Throws `usage` over ssh: there the home's files are out of sight. */
export function homeOf(globals: Globals): string {
  if (isOverSsh()) throw new SallyportError('usage', 'this works on files of the bastion: run it there, not over ssh');
  return findHome(globals.home === undefined ? {} : { home: globals.home });
}

export interface Place {
  way: Way;
  /** Absent over ssh. */
  home?: string;
}

export function placeOf(globals: Globals): Place {
  const way = handedWay();
  if (way) return { way };
  const home = homeOf(globals);
  return { home, way: homePaths(home).controlSocket };
}
