/** What is asked for oneself, where policy does not say that everybody's may be seen. */
import { SallyportError } from '../core/errors.js';
import type { Caller } from './admin-port.js';
import type { AnyVerb } from './streams.js';

/** Whose it is that may be shown: as asked, or the caller's own alone. Throws `refused` for another's. */
export function onlyOwn(verb: AnyVerb, caller: Caller, asked: string | undefined): string | undefined {
  if (caller.by !== 'self') return asked;
  const own = ownUser(verb, caller);
  if (asked === undefined || asked === own) return own;
  throw new SallyportError(
    'refused',
    `${verb}: refused for ${own}: no rule allows it; your own are shown without a name`,
  );
}

/** The user who asks for themselves. Throws `usage` for a caller without a user's name. */
export function ownUser(verb: AnyVerb, { user, name }: Caller): string {
  if (user !== undefined) return user;
  throw new SallyportError('usage', `${verb}: ${name} is no user here: ask over ssh, as a user`);
}
