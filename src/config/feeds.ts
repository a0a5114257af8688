/** `context.feeds`: who tells facts, how often they are asked, and what becomes of facts that have grown old. */
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import type { Labels } from '../policy/types.js';
import { typeOfFact, unknownFact } from './facts.js';
import * as f from './fields.js';
import type { Feed } from './types.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const MAX_FEEDS = 32;
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** How often, where the file does not say. */
const REFRESH: Readonly<Record<Feed['kind'], number>> = {
  file: 5 * SECOND,
  poll: 10 * SECOND,
  ask: 5 * MINUTE,
  push: MINUTE,
  country: MINUTE,
};

const stale = z.unknown().transform((value, ctx): number => {
  if (value === 'deny') return 0;
  const keep = z.strictObject({ keep: f.duration(SECOND) }).safeParse(value);
  if (keep.success) return keep.data.keep;
  const message = `${f.show(value)} is neither deny nor a grace: write deny, or { keep: 10m }`;
  ctx.issues.push({ code: 'custom', message, input: value });
  return z.NEVER;
});

const text = z.string().min(1).max(2_000);

const feed = z.strictObject({
  file: text.exactOptional(),
  url: text.exactOptional(),
  push: z.literal(true).exactOptional(),
  country: text.exactOptional(),
  gives: z.array(text).min(1).max(100).exactOptional(),
  refresh: f.duration(SECOND).exactOptional(),
  timeout: f.duration(100).default(3 * SECOND),
  stale: stale.default(0),
  token: text.exactOptional(),
  header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'is not the name of a header')
    .exactOptional(),
  ca: text.exactOptional(),
});

export const context = z.strictObject({
  feeds: z
    .record(z.string().regex(NAME, 'names of feeds are [a-z0-9][a-z0-9_-]{0,31}'), feed)
    .refine((feeds) => Object.keys(feeds).length <= MAX_FEEDS, `holds more than ${MAX_FEEDS} feeds`)
    .default({}),
});

export const FEED_KEYS = Object.keys(feed.shape);

/** A feed that takes longer than this holds up logins. Unit: ms. */
const MAX_TIMEOUT_MS = 30_000;

type Written = z.infer<typeof feed>;

interface Finding {
  path: PropertyKey[];
  message: string;
}

/** What the shape of one feed alone does not tell. `labels` as they are declared, or by default. */
export function checkFeeds(feeds: Record<string, unknown>, labels: Labels): Finding[] {
  const findings: Finding[] = [];
  const countries: string[] = [];
  for (const [name, written] of Object.entries(feeds)) {
    const parsed = feed.safeParse(written);
    if (!parsed.success) continue;
    const at = (key: string | undefined, message: string) =>
      findings.push({ path: ['context', 'feeds', name, ...(key === undefined ? [] : [key])], message });
    checkFeed(parsed.data, labels, at);
    if (parsed.data.country === undefined) continue;
    countries.push(name);
    if (countries.length > 1) at('country', `there is one already, ${countries[0]}`);
  }
  return findings;
}

type At = (key: string | undefined, message: string) => void;

function checkFeed(w: Written, labels: Labels, at: At): void {
  const kinds = [w.file, w.url, w.push, w.country].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) at(undefined, 'a feed has exactly one of file, url, push and country');
  if (w.url !== undefined) checkUrl(w.url, at);
  for (const key of ['token', 'header', 'ca'] as const)
    if (w[key] !== undefined && w.url === undefined) at(key, 'only a feed with a url has this');
  if (w.header !== undefined && w.token === undefined) at('header', 'needs token: the file whose text it carries');
  if (w.timeout > MAX_TIMEOUT_MS) at('timeout', 'is too long: at most 30s');
  checkGives(w, labels, at);
}

function checkGives({ gives, country }: Written, labels: Labels, at: At): void {
  if (country !== undefined && gives !== undefined) at('gives', 'a country database gives source.country and no more');
  if (country === undefined && gives === undefined)
    at(undefined, 'gives is missing: name the facts it may tell, as in gives: [risk.score, device.*]');
  for (const name of country === undefined ? (gives ?? []) : [])
    if (name !== 'device.*' && name !== 'user.*' && typeOfFact(name, labels) === undefined)
      at('gives', unknownFact(name, labels));
}

function checkUrl(url: string, at: At): void {
  const filled = url.replaceAll('{user}', 'the-user');
  const parsed = URL.canParse(filled) ? new URL(filled) : undefined;
  if (!parsed || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:'))
    at('url', `${f.show(url)} is not an https address`);
  else if (parsed.host.includes('the-user')) at('url', '{user} stands in the path or after the ?');
  else if (parsed.username !== '' || parsed.password !== '')
    at('url', 'holds a password: put it into a file and name that under token');
  else if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname))
    at('url', 'whoever is on the way could tell other facts: use https (http is for this machine alone)');
  else if (/\{(?!user\})/.test(url)) at('url', 'only {user} is replaced in it');
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** Absolute paths, ms, and what was left out. */
export function feedsOf(written: Readonly<Record<string, Written>>, home: string): Record<string, Feed> {
  return Object.fromEntries(Object.entries(written).map(([name, w]) => [name, feedOf(w, home)]));
}

function feedOf(w: Written, home: string): Feed {
  const kind = kindOf(w);
  const place = (path: string) => (isAbsolute(path) ? path : resolve(home, path));
  return {
    kind,
    from: w.url ?? (w.file === undefined ? undefined : place(w.file)) ?? (w.country && place(w.country)) ?? '',
    gives: kind === 'country' ? ['source.country'] : (w.gives ?? []),
    refreshMs: w.refresh ?? REFRESH[kind],
    timeoutMs: w.timeout,
    keepMs: w.stale,
    ...(w.token === undefined ? {} : { tokenFile: place(w.token) }),
    ...(w.header === undefined ? {} : { header: w.header }),
    ...(w.ca === undefined ? {} : { caFile: place(w.ca) }),
  };
}

function kindOf({ file, url, push }: Written): Feed['kind'] {
  if (file !== undefined) return 'file';
  if (url !== undefined) return url.includes('{user}') ? 'ask' : 'poll';
  return push ? 'push' : 'country';
}

/** Whether a feed may tell the fact. */
export function mayGive(gives: readonly string[], name: string): boolean {
  return gives.includes(name) || gives.includes(`${name.slice(0, name.indexOf('.'))}.*`);
}
