import type { Authority } from '../authority/index.js';
import type { RightsData } from '../policy/types.js';
import type { LiveSession } from './registry.js';

/** The rights of a session as they are at this moment, whatever its door has been told. Throws for a user who is gone. */
export function rightsNow(s: LiveSession, authority: Authority): RightsData {
  const { user, target, startedAt, mfaAt } = s;
  const proved = mfaAt === undefined ? {} : { mfaAt };
  return authority.rightsFor({ ...s.rights.facts, ...proved, user, target, startedAt });
}
