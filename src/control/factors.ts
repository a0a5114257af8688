/** Second factors: giving and taking them. What is secret about one is in the answer alone, never in the audit log. */
import { hostname } from 'node:os';
import { change } from './act.js';
import type { AdminPort } from './admin-port.js';
import type { Deps } from './deps.js';
import { mustKnow } from './people.js';

type Factors = Pick<AdminPort, 'user.mfa-enroll' | 'user.mfa-remove'>;

export function factors(deps: Deps): Factors {
  const { authority } = deps;
  return {
    'user.mfa-enroll': async ({ name, reason }, caller) => {
      const before = mustKnow(deps, name).factor ? 'another second factor' : 'a second factor';
      const trace = { user: name, text: `give user ${name} ${before}`, ...(reason !== undefined && { reason }) };
      const work = () => authority.enrolFactor({ user: name, issuer: `sallyport ${hostname()}` });
      const { uri, codes, effects } = await change(deps, 'user.mfa-enroll', caller, trace, work);
      return { name, uri, recoveryCodes: codes, effects };
    },
    'user.mfa-remove': async ({ name, reason }, caller) => {
      mustKnow(deps, name);
      const trace = {
        user: name,
        text: `take the second factor of user ${name}`,
        ...(reason !== undefined && { reason }),
      };
      const work = () => authority.removeFactor({ user: name });
      const { effects } = await change(deps, 'user.mfa-remove', caller, trace, work);
      return { name, effects };
    },
  };
}
