/** Why nobody knows a fact, for a person: whose word it would be, and how they are. */
import { mayGive } from '../config/index.js';
import type { RightsData } from '../policy/types.js';
import type { Deps } from './deps.js';
import type { FeedStatus } from './feeds.js';

/** Of the feeds that may tell a fact, how each is; undefined: none may. */
export function howFeedsAre(feeds: readonly FeedStatus[], fact: string): string | undefined {
  const givers = feeds.filter((feed) => mayGive(feed.gives, fact));
  if (givers.length === 0) return undefined;
  return givers
    .map(({ feed, state, error }) => `feed ${feed} ${state}${error === undefined ? '' : `: ${error}`}`)
    .join('; ');
}

/** One line, which holds text from outside and must be escaped where it is shown. */
export function whyMissing(deps: Deps, { user, target, facts }: RightsData): (fact: string) => string | undefined {
  return (fact) => {
    const [group = ''] = fact.split('.', 1);
    if (fact === 'mfa.age') return secondFactor(deps, user);
    if (fact === 'approval.by') return 'nobody has approved it';
    if (fact === 'auth.key') return 'no key is known here; --session ID takes that of a live session';
    if (fact === 'source.country') return country(deps, facts.source.ip);
    if (group === 'target') return `target ${target} has no such label under targets in sallyport.yaml`;
    return group === 'user' || group === 'device' || group === 'risk' ? told(deps, user, fact) : undefined;
  };
}

function secondFactor({ authority }: Deps, user: string): string {
  const enrolled = authority.user(user)?.factor !== undefined;
  return enrolled ? 'no second factor was proved' : `none is enrolled: sallyport user mfa enroll ${user}`;
}

function country(deps: Deps, ip: string): string {
  const databases = Object.values(deps.config().context.feeds).filter(({ kind }) => kind === 'country');
  if (databases.length === 0) return 'no country database is named under context.feeds in sallyport.yaml';
  if (!deps.feeds) return 'the broker is not running, and its country database would tell it';
  return `${howFeedsAre(deps.feeds.status(), 'source.country')}; it knows no country of ${ip}`;
}

function told(deps: Deps, user: string, fact: string): string {
  const set = fact.startsWith('user.')
    ? `user label ${user} ${fact.slice(5)}=VALUE`
    : `context set ${user} ${fact}=VALUE`;
  const givers = Object.entries(deps.config().context.feeds).filter(([, { gives }]) => mayGive(gives, fact));
  if (givers.length === 0) return `no feed gives it and nobody has set it: sallyport ${set}`;
  const names = givers.map(([name]) => name).join(', ');
  if (!deps.feeds) return `the broker is not running, and feed ${names} would tell it`;
  return `${howFeedsAre(deps.feeds.status(), fact) ?? `feed ${names}`}; it tells nothing of ${user} now`;
}
