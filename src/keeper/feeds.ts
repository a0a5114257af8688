/** The feeds of the configuration in force: their facts go to the authority, their health to the log and to `status`. */
import { isDeepStrictEqual } from 'node:util';
import type { Authority, Change } from '../authority/index.js';
import type { Config, Feed } from '../config/index.js';
import type { FeedStatus, Feeds } from '../control/feeds.js';
import { type Clock, within } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import {
  type Ask,
  type Facts,
  type FeedHealth,
  type FeedPorts,
  openCountries,
  type PerUser,
  readIfChanged,
  readShort,
  SETTLE_MS,
  type Sifted,
  type Source,
  sift,
  startPerUser,
  startSource,
  watchFile,
} from '../feeds/index.js';
import type { Labels } from '../policy/types.js';
import type { AuditLog } from '../store/index.js';
import { MAX_ANSWER } from '../wire/feeder.js';
import type { Feeder } from './feeder.js';

/** Country databases of the whole world are 10 MB; with cities ten times that. Unit: bytes. */
const MAX_DATABASE = 128 * 1024 * 1024;
const MAX_TOKEN = 16 * 1024;
const MAX_CA = 1024 * 1024;
/** Subjects of a change that the audit log names with their facts. */
const MAX_NAMED = 20;

export interface FeedsParts {
  authority: Authority;
  audit: AuditLog;
  clock: Clock;
  config: { readonly current: Config };
  feeder: Feeder;
  /** Users who have sessions now. */
  live(): Iterable<string>;
  log(line: string): void;
}

export interface RunningFeeds extends Feeds {
  /** Asks the feeds that are asked for each login; waits no longer than their time-outs. Never rejects. */
  prepare(user: string): Promise<void>;
  /** Takes over what the configuration in force says now; feeds that are as they were go on. */
  reconfigure(): void;
  /** Resolves when every feed was asked once, or its time-out is over. */
  readonly first: Promise<void>;
  stop(): void;
}

interface Running {
  feed: Feed;
  source?: Source;
  perUser?: PerUser;
  stop(): void;
}

export function startFeeds(parts: FeedsParts): RunningFeeds {
  const running = new Map<string, Running>();
  const reconfigure = () => {
    const { feeds } = parts.config.current.context;
    const before = new Map(running);
    running.clear();
    for (const [name, one] of before) {
      const next = feeds[name];
      if (isDeepStrictEqual(next, one.feed)) continue;
      one.stop();
      if (!isSameSource(one.feed, next)) {
        forget(name, one.feed, parts);
        before.delete(name);
      }
    }
    for (const [name, feed] of Object.entries(feeds)) {
      const one = before.get(name);
      running.set(name, one && isDeepStrictEqual(feed, one.feed) ? one : start(name, feed, parts, one));
    }
  };
  reconfigure();
  return {
    reconfigure,
    first: allAsked([...running.values()], parts.clock),
    async prepare(user) {
      await Promise.all([...running.values()].map((one) => one.perUser?.prepare(user)));
    },
    status: () => [...running].map(([name, one]) => statusOf(name, one, parts)),
    push(name, subjects, whole) {
      const one = running.get(name);
      if (one?.feed.kind !== 'push' || one.source === undefined)
        throw new SallyportError(
          'not-found',
          `no feed ${name} that is pushed: declare it under context.feeds with push: true`,
        );
      const sifted = sift(one.feed, parts.config.current.labels, subjects);
      let change: Change | undefined;
      const stop = parts.authority.onChange((made) => {
        change = made;
      });
      try {
        one.source.push(sifted, whole);
      } finally {
        stop();
      }
      return { ...(change && { change }), ...(sifted.refused !== undefined && { refused: sifted.refused }) };
    },
    stop() {
      for (const one of running.values()) one.stop();
      running.clear();
    },
  };
}

/** What it told stays known while it is asked on other terms. */
const isSameSource = (a: Feed, b: Feed | undefined): boolean =>
  a.kind === b?.kind && a.from === b.from && isDeepStrictEqual(a.gives, b.gives);

async function allAsked(all: readonly Running[], clock: Clock): Promise<void> {
  await Promise.all(
    all.map(async ({ source, feed }) => source && (await within(clock, source.first, feed.timeoutMs + SETTLE_MS))),
  );
}

/** `before` is the one whose place it takes, with what that told still known. */
function start(name: string, feed: Feed, parts: FeedsParts, before?: Running): Running {
  const ports: FeedPorts = {
    clock: parts.clock,
    tell: (facts, whole) => tell(name, facts, whole, parts),
    news: (state, error) => note(name, state, error, parts),
  };
  if (feed.kind === 'ask') {
    const ask = (user: string) => fetched(feed, parts, user);
    const perUser = startPerUser(feed, ask, parts.live, ports, before?.perUser?.answers);
    return { feed, perUser, stop: () => perUser.stop() };
  }
  const okAt = before?.source?.okAt;
  if (feed.kind === 'country') {
    const tellNothing = () => parts.authority.useCountries(() => undefined);
    return onFile(feed, startSource(feed, countries(feed, parts), { ...ports, tell: tellNothing }, okAt), parts);
  }
  if (feed.kind === 'file') return onFile(feed, startSource(feed, factsFile(feed, parts), ports, okAt), parts);
  const ask = feed.kind === 'poll' ? () => fetched(feed, parts) : undefined;
  const source = startSource(feed, ask, ports, okAt);
  return { feed, source, stop: () => source.stop() };
}

/** A feed that is read from a file, and anew as soon as that is replaced. */
function onFile(feed: Feed, source: Source, { clock }: FeedsParts): Running {
  let soon = false;
  const unwatch = watchFile(feed.from, () => {
    if (soon) return;
    soon = true;
    clock.after(SETTLE_MS, () => {
      soon = false;
      source.nudge();
    });
  });
  return {
    feed,
    source,
    stop() {
      unwatch();
      source.stop();
    },
  };
}

function factsFile(feed: Feed, parts: FeedsParts): Ask {
  let mark: string | undefined;
  let checkedBy: Labels | undefined;
  return async (anew) => {
    const { labels } = parts.config.current;
    // What did not fit the labels of before may fit now.
    const known = anew || checkedBy !== labels ? undefined : mark;
    const read = await readIfChanged(feed.from, MAX_ANSWER, known);
    if (read === undefined) return 'same';
    const sifted = sift(feed, labels, await parts.feeder.read(textOf(read.bytes)));
    mark = read.mark;
    checkedBy = labels;
    return sifted;
  };
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8 text');
  }
}

function countries(feed: Feed, { authority }: FeedsParts): Ask {
  let mark: string | undefined;
  return async (anew) => {
    const read = await readIfChanged(feed.from, MAX_DATABASE, anew ? undefined : mark);
    if (read === undefined) return 'same';
    authority.useCountries(openCountries(read.bytes));
    mark = read.mark;
    return 'same';
  };
}

async function fetched(feed: Feed, parts: FeedsParts, user?: string): Promise<Sifted> {
  const { tokenFile, header, caFile, timeoutMs } = feed;
  const token = tokenFile === undefined ? undefined : await readShort(tokenFile, MAX_TOKEN);
  const ca = caFile === undefined ? undefined : await readShort(caFile, MAX_CA);
  if (token !== undefined && !/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(token))
    throw new Error(`${tokenFile} holds no token of one line`);
  const headers: Record<string, string> = {};
  if (token !== undefined) headers[header ?? 'authorization'] = header === undefined ? `Bearer ${token}` : token;
  const subjects = await parts.feeder.fetch({
    url: user === undefined ? feed.from : feed.from.replaceAll('{user}', encodeURIComponent(user)),
    headers,
    timeoutMs,
    of: user === undefined ? 'everyone' : 'one',
    ...(ca === undefined ? {} : { ca }),
  });
  return sift(feed, parts.config.current.labels, subjects);
}

function forget(name: string, feed: Feed, { authority }: FeedsParts): void {
  if (feed.kind === 'country') authority.useCountries(() => undefined);
  else authority.tell(name, { facts: new Map(), whole: true });
}

function tell(name: string, facts: ReadonlyMap<string, Facts>, whole: boolean, parts: FeedsParts): void {
  const change = parts.authority.tell(name, { facts, whole });
  if (change === undefined) return;
  const users = change.users === 'all' ? [] : [...change.users];
  const named = users.slice(0, MAX_NAMED);
  const more = users.length > named.length ? ` and ${users.length - named.length} more` : '';
  const known = Object.fromEntries(named.map((user) => [user, { ...facts.get(user) }]));
  record(parts, {
    event: 'context',
    text: `feed ${name}: facts of ${named.join(', ')}${more} changed`,
    data: { feed: name, version: change.version, users: users.length, facts: known },
  });
}

/** The log tells when a feed begins to fail, when its facts are gone, and when it is well again. */
function note(name: string, state: FeedHealth['state'], error: string | undefined, parts: FeedsParts): void {
  const words = {
    waiting: 'has told nothing yet',
    fresh: 'answers',
    kept: 'is stale; what it told last is kept for a while',
    stale: 'is stale; its facts are missing now',
  }[state];
  const text = `feed ${name} ${error === undefined || state !== 'fresh' ? words : 'fails'}${error === undefined ? '' : `: ${error}`}`;
  parts.log(text);
  record(parts, { event: 'feed', text, data: { feed: name, state } });
}

function record({ audit }: FeedsParts, entry: Parameters<AuditLog['append']>[0]): void {
  // Where the log cannot be written its own failure handler ends everything.
  if (audit.healthy()) audit.append(entry);
}

const iso = (ms: number) => new Date(ms).toISOString();

function statusOf(feed: string, one: Running, { clock, authority }: FeedsParts): FeedStatus {
  const { kind, from, gives } = one.feed;
  const health = one.source?.health() ?? one.perUser?.health() ?? { state: 'waiting' as const };
  const { state, okAt, tookMs, error, errorAt, refused } = health;
  return {
    feed,
    kind,
    from,
    gives,
    state,
    ...(okAt !== undefined && { okAt: iso(okAt), ageMs: Math.max(0, clock.now() - okAt) }),
    ...(tookMs !== undefined && { tookMs }),
    ...(error !== undefined && { error }),
    ...(errorAt !== undefined && { errorAt: iso(errorAt) }),
    ...(refused !== undefined && { refused }),
    subjects: authority.toldBy(feed),
  };
}
