/** Places at the control socket: any local account may connect there, and none may keep those away who have a say. */
import type { Server, Socket } from 'node:net';
import type { Clock } from '../core/clock.js';

/** `owner`: root and the broker's own account; `admin`: named in the configuration; `stranger`: will be refused. */
export type Standing = 'owner' | 'admin' | 'stranger';

/** Connections at once: of each owner, of each admin, and of all strangers together. */
const MOST: Record<Standing, number> = { owner: 512, admin: 32, stranger: 16 };
/** What a stranger gets to be told no. Unit: ms. */
const STRANGER_MS = 10_000;

export interface PlaceRules {
  clock: Clock;
  uidOf(socket: Socket): number;
  standingOf(uid: number): Standing;
}

/** Counts the connections of a server, and drops what is too many. */
export function limitPlaces(server: Server, { clock, uidOf, standingOf }: PlaceRules): void {
  const taken = new Map<string, number>();
  const add = (who: string, n: number) => {
    const now = (taken.get(who) ?? 0) + n;
    if (now > 0) taken.set(who, now);
    else taken.delete(who);
    return now;
  };
  server.on('connection', (socket) => {
    const uid = uidOrStranger(socket, uidOf);
    const standing = uid === undefined ? 'stranger' : standingOf(uid);
    const who = standing === 'stranger' ? standing : `uid ${uid}`;
    const cut = standing === 'stranger' ? clock.after(STRANGER_MS, () => socket.destroy()) : undefined;
    socket.once('close', () => {
      cut?.cancel();
      add(who, -1);
    });
    if (add(who, 1) > MOST[standing]) socket.destroy();
  });
}

/** Undefined for a peer that has gone already. */
function uidOrStranger(socket: Socket, uidOf: PlaceRules['uidOf']): number | undefined {
  try {
    return uidOf(socket);
  } catch {
    return undefined;
  }
}
