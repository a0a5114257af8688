/** What is known of a user and their device, and from whom: by hand first, then the feeds in the order they are listed. */
import { type ToldValue, wrongFact } from '../config/facts.js';
import { hasType } from '../config/labels.js';
import type { BaseFacts, FactValue, LabelType } from '../policy/types.js';
import type { User } from '../store/types.js';
import { hasEnded } from './facts-index.js';
import type { Scene } from './scene.js';
import type { RightsQuery } from './types.js';

/** One fact of one source. */
export interface KnownFact {
  name: string;
  value: ToldValue;
  /** The feed's name; absent for what was set by hand. */
  feed?: string;
  /** Who set it by hand. */
  by?: string;
  /** User or key it was told of. */
  subject: string;
  /** Wall time, ms. */
  at: number;
  until?: number;
  /** Another source is believed before this one. */
  hidden: boolean;
}

/** Every fact told of a user and, if named, of the key they logged in with; the believed ones are not hidden. */
export function knownFacts(scene: Scene, who: { user: string; key?: string }): KnownFact[] {
  // What is known of the very device comes before what is known of whoever holds it.
  const subjects = who.key === undefined ? [who.user] : [who.key, who.user];
  const found: KnownFact[] = [];
  for (const subject of subjects) found.push(...setByHand(scene, subject));
  for (const feed of Object.keys(scene.config.context.feeds))
    for (const subject of subjects) found.push(...toldBy(scene, feed, subject));
  const seen = new Set<string>();
  for (const fact of found) {
    fact.hidden = seen.has(fact.name);
    seen.add(fact.name);
  }
  return found;
}

function setByHand({ index, config, now }: Scene, subject: string): KnownFact[] {
  const found: KnownFact[] = [];
  for (const fact of index.factsOf(subject))
    if (!hasEnded(fact, now) && wrongFact(fact.name, fact.value, config.labels) === undefined)
      found.push({ ...fact, hidden: false });
  return found;
}

function toldBy({ told, config }: Scene, feed: string, subject: string): KnownFact[] {
  const said = told.of(feed, subject);
  if (said === undefined) return [];
  const found: KnownFact[] = [];
  for (const [name, value] of Object.entries(said.facts))
    if (wrongFact(name, value, config.labels) === undefined)
      found.push({ name, value, feed, subject, at: said.at, hidden: false });
  return found;
}

/** The facts a session of this user is decided by, the clock's aside. */
export function baseFacts(scene: Scene, user: User, query: RightsQuery): BaseFacts {
  const { config } = scene;
  const facts: BaseFacts = {
    user: {},
    target: { ...(Object.hasOwn(config.targets, query.target) ? config.targets[query.target] : {}) },
    source: sourceOf(scene, query.source.ip),
    auth: query.auth,
    device: {},
    risk: {},
    approval: {},
    startedAt: query.startedAt,
    ...(query.mfaAt === undefined ? {} : { mfaAt: query.mfaAt }),
    timezone: config.timezone,
  };
  const { key } = query.auth;
  for (const fact of knownFacts(scene, { user: user.name, ...(key === undefined ? {} : { key }) }))
    if (!fact.hidden) put(facts, fact.name, fact.value);
  Object.assign(facts.user, declared(user.labels, config.labels.user));
  return facts;
}

function sourceOf(scene: Scene, ip: string): BaseFacts['source'] {
  const country = scene.countryOf(ip);
  return country === undefined ? { ip } : { ip, country };
}

function put(facts: BaseFacts, name: string, value: ToldValue): void {
  const [group, label = ''] = name.split('.', 2);
  if (name === 'risk.score' && typeof value === 'number') facts.risk.score = value;
  else if (group === 'user' || group === 'device') facts[group][label] = value;
}

/** Labels whose declaration still holds; one that does not is a missing fact. */
function declared(labels: User['labels'], types: Record<string, LabelType>): Record<string, FactValue> {
  return Object.fromEntries(
    Object.entries(labels).filter(([name, value]) => {
      const type = Object.hasOwn(types, name) ? types[name] : undefined;
      return type !== undefined && hasType(value, type);
    }),
  );
}
