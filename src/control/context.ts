/** Live facts: what is known of a user or a session, from whom, and setting it by hand. */

import type { KnownFact } from '../authority/index.js';
import { tellable } from '../config/index.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import type { FactValue, RightsData } from '../policy/types.js';
import { act, change, endOf, pickId } from './act.js';
import type { AdminPort, Caller, Reply, Request } from './admin-port.js';
import type { Deps } from './deps.js';
import type { FeedStatus } from './feeds.js';
import { howFeedsAre } from './missing.js';
import { mustKnow } from './people.js';
import { iso, userView } from './views.js';

type FactView = Reply<'context.show'>['facts'][number];

/** Facts named in the audit log's text; all of them are in its data. */
const MAX_NAMED = 20;

export function context(deps: Deps): Pick<AdminPort, 'context.set' | 'context.push' | 'context.show' | 'user.label'> {
  const { authority } = deps;
  return {
    'context.set': async ({ changes, ...span }, caller) => {
      const until = endOf(span, deps.clock.now());
      const [only, more] = changes;
      const trace = {
        ...(more === undefined && only !== undefined && authority.user(only.subject) && { user: only.subject }),
        text: `set ${sayChanges(changes)}`,
        data: { changes: changes.map(plain), ...(until !== undefined && { until: iso(until) }) },
      };
      const input = { changes, by: caller.name, ...(until !== undefined && { until }) };
      const { effects } = await change(deps, 'context.set', caller, trace, () => authority.setFacts(input));
      return { effects, ...(until !== undefined && { until: iso(until) }) };
    },
    'context.push': async (request, caller) => await push(deps, request, caller),
    'context.show': async ({ of }) => showContext(deps, of),
    'user.label': async ({ name, labels }, caller) => {
      mustKnow(deps, name);
      const trace = {
        user: name,
        text: `label user ${sayChanges([{ subject: name, facts: labels }])}`,
        data: { labels: noNulls(labels) },
      };
      const work = () => authority.labelUser({ user: name, labels, by: caller.name });
      const { effects } = await change(deps, 'user.label', caller, trace, work);
      return { user: userView(mustKnow(deps, name), authority), effects };
    },
  };
}

async function push(deps: Deps, { feed, subjects, whole }: Request<'context.push'>, caller: Caller) {
  const { feeds } = deps;
  if (!feeds)
    throw new SallyportError('unreachable', 'no feed is told anything: the broker of this home is not running');
  const told = subjects.map(([subject, facts]) => [subject, scalars(feed, subject, facts)] as const);
  const trace = { text: `push to feed ${escapeText(feed, 64)}: ${subjects.length} subjects`, data: { feed, whole } };
  const { change: made, refused } = await act(deps, 'context.push', caller, trace, async () =>
    feeds.push(feed, told, whole),
  );
  const effects = made === undefined ? [] : await deps.live.settle(made);
  return { effects, ...(refused !== undefined && { refused }) };
}

function scalars(feed: string, subject: string, facts: Record<string, unknown>) {
  for (const [name, value] of Object.entries(facts))
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      throw new SallyportError(
        'usage',
        `push to ${feed}: ${subject}: ${escapeText(name, 80)} is not text, a number, true or false`,
      );
  return facts as Record<string, string | number | boolean>;
}

type Changes = Request<'context.set'>['changes'];

function sayChanges(changes: Changes): string {
  const said = changes.flatMap(({ subject, facts }) =>
    Object.entries(facts).map(([name, value]) => `${subject} ${name}=${value === null ? '' : JSON.stringify(value)}`),
  );
  const more = said.length > MAX_NAMED ? ` and ${said.length - MAX_NAMED} more` : '';
  return `${said.slice(0, MAX_NAMED).join(', ')}${more}`;
}

const plain = ({ subject, facts }: Changes[number]) => ({ subject, facts: noNulls(facts) });

/** What was unset reads as the word. */
const noNulls = (facts: Changes[number]['facts']): Record<string, FactValue> =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value ?? 'unset']));

/** A user's name wins over the beginning of a session's id; a whole id wins over both. */
export function showContext(deps: Deps, of: string): Reply<'context.show'> {
  const ids = deps.live.sessions().map((s) => s.id);
  if (!ids.includes(of) && deps.authority.user(of)) return { user: of, facts: inOrder(ofUser(deps, of)) };
  const id = pickId(ids, of, 'user or live session');
  const found = deps.live.session(id);
  if (!found) throw new SallyportError('not-found', `session ${id} has just ended`);
  const { rights } = found;
  const { key } = rights.facts.auth;
  const facts = [...ofSession(rights, deps), ...ofUser(deps, rights.user, key)];
  return { user: rights.user, session: id, facts: inOrder(facts) };
}

const inOrder = (facts: FactView[]) => facts.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));

function ofUser(deps: Deps, user: string, key?: string): FactView[] {
  const labels = mustKnow(deps, user).labels;
  const told = deps.authority.knownFacts({ user, ...(key !== undefined && { key }) });
  const found = Object.entries(labels).map(([name, value]): FactView => fixed(`user.${name}`, value, 'label'));
  const labelled = new Set(found.map((f) => f.name));
  const states = new Map((deps.feeds?.status() ?? []).map((feed) => [feed.feed, feed]));
  found.push(...told.map((fact) => toldView(fact, labelled, states)));
  const known = new Set(found.map((f) => f.name));
  const missing = tellable(deps.config().labels).filter((name) => !known.has(name));
  return [...found, ...missing.map((name) => missingView(name, [...states.values()]))];
}

function missingView(name: string, feeds: readonly FeedStatus[]): FactView {
  const note = howFeedsAre(feeds, name);
  return { name, state: 'missing', ...(note !== undefined && { note }) };
}

function toldView(fact: KnownFact, labelled: ReadonlySet<string>, feeds: ReadonlyMap<string, FeedStatus>): FactView {
  const { name, value, feed, by, at, until, subject } = fact;
  const hidden = fact.hidden || labelled.has(name);
  const stale = feed !== undefined && feeds.get(feed)?.state === 'kept';
  return {
    name,
    value,
    source: feed === undefined ? `set by ${escapeText(by ?? '', 64)}` : `feed ${feed}`,
    subject,
    at: iso(at),
    ...(until !== undefined && { until: iso(until) }),
    state: hidden ? 'hidden' : stale ? 'stale' : 'in force',
  };
}

const fixed = (name: string, value: FactValue, source: string): FactView => ({
  name,
  value,
  source,
  state: 'in force',
});

/** What follows from the session itself. */
function ofSession({ facts, target }: RightsData, { clock }: Deps): FactView[] {
  const { source, auth, approval, mfaAt, startedAt } = facts;
  const group = (name: string, values: object, from: string) =>
    Object.entries(values).map(([field, value]): FactView => fixed(`${name}.${field}`, value as FactValue, from));
  const age = (from: number) => `${Math.max(0, Math.round((clock.now() - from) / 1000))}s`;
  const unknown = (name: string, value: unknown): FactView[] =>
    value === undefined ? [{ name, state: 'missing' }] : [];
  return [
    ...group('source', { ip: source.ip }, 'the connection'),
    ...group('source', source.country === undefined ? {} : { country: source.country }, 'the country database'),
    ...unknown('source.country', source.country),
    ...group('auth', auth, 'the login'),
    ...group('target', facts.target, `target ${target}`),
    ...group('approval', approval, 'an approval'),
    ...unknown('approval.by', approval.by),
    fixed('session.age', age(startedAt), 'the clock'),
    mfaAt === undefined ? { name: 'mfa.age', state: 'missing' } : fixed('mfa.age', age(mfaAt), 'the second factor'),
  ];
}
