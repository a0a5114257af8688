import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Authority } from '../authority/index.js';
import { isLocalVerb } from '../control/admin-port.js';
import type { Asker } from '../control/asker.js';
import { callerByVerdict, type Refused } from '../control/caller.js';
import type { AnyVerb } from '../control/streams.js';
import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { streamPair } from '../os/stream-pair.js';
import { HANDED_COUNT } from '../wire/guard.js';
import { adminVerdict } from './admin-verdict.js';
import { standsAgainst } from './live.js';
import type { LiveSession } from './registry.js';
import { rightsNow } from './rights-now.js';

export interface AdministrationParts {
  authority: Authority;
  clock: Clock;
  onRefused(who: Refused, verb: AnyVerb, why: string): void;
  adopt(socket: Socket, asker: Asker): void;
}

/** The keeper's ends of what a session of administration is given to ask it through. */
export interface Administration {
  /**
   * The other ends, for `use` to pass on before it returns; they are closed here. Whatever is asked over them is asked by the
   * session's user, with the session's facts, and nothing is answered any more when the session is to end.
   */
  connect(session: LiveSession, use: (fds: number[]) => void): void;
}

export function createAdministration(parts: AdministrationParts): Administration {
  return {
    connect(session, use) {
      const asker = sessionAsker(session, parts);
      const theirs: number[] = [];
      const ours: Socket[] = [];
      try {
        for (let i = 0; i < HANDED_COUNT; i += 1) {
          const [mine, other] = streamPair();
          theirs.push(other);
          ours.push(new Socket({ fd: mine, readable: true, writable: true }));
        }
        use(theirs);
      } catch (error) {
        for (const socket of ours) socket.destroy();
        throw error;
      } finally {
        theirs.forEach(closeSync);
      }
      for (const socket of ours) parts.adopt(socket, asker);
      void session.over.then(() => {
        for (const socket of ours) socket.destroy();
      });
    },
  };
}

function sessionAsker(s: LiveSession, parts: AdministrationParts): Asker {
  const { authority, clock } = parts;
  const stands = () => {
    const against = standsAgainst(s, authority);
    const cause = s.ordered?.cause ?? against?.cause;
    if (cause !== undefined || (s.state !== 'live' && s.state !== 'launching'))
      throw new SallyportError('refused', `this session has ended${cause === undefined ? '' : `: ${cause}`}`);
  };
  const decide = async (verb: AnyVerb) => {
    stands();
    if (isLocalVerb(verb))
      throw new SallyportError('usage', `${verb.replace('.', ' ')}: not over ssh: run it on the bastion`);
    const verdict = await adminVerdict(rightsNow(s, authority), verb, clock.now());
    const caller = callerByVerdict(s.account.uid, s.user, verb, verdict);
    stands();
    return { ...caller, session: s.id, stands };
  };
  const asked = async (verb: AnyVerb) => {
    try {
      return await decide(verb);
    } catch (error) {
      const who = { uid: s.account.uid, user: s.user, session: s.id };
      parts.onRefused(who, verb, messageOf(error));
      throw error;
    }
  };
  return { share: `user ${s.user}`, identify: asked, stillMay: async (verb) => void (await asked(verb)) };
}
