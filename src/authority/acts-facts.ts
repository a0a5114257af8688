import { type ToldValue, wrongFact } from '../config/facts.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { isFingerprint } from '../core/names.js';
import type { SetFact, User } from '../store/types.js';
import type { FactsIndex } from './facts-index.js';
import { hasEnded } from './facts-index.js';
import { type Act, checkUntil, type Scene, usage, userOf } from './scene.js';
import type { LabelUser, SetFacts } from './types.js';

/** Facts set by hand are for exceptions; who knows of thousands is a feed. */
const MAX_FACTS = 20_000;

/** Sets and unsets facts of several subjects as one change. */
export function setFacts(scene: Scene, input: SetFacts): Act<{ facts: SetFact[] }> {
  const { by, until } = input;
  checkUntil(until, scene.now);
  const put: SetFact[] = [];
  const gone: SetFact[] = [];
  const users = new Set<string>();
  for (const { subject, facts } of input.changes) {
    const user = ownerOf(scene, subject);
    if (user !== undefined) users.add(user);
    for (const [name, value] of Object.entries(facts)) {
      if (value === null) gone.push(standing(scene, subject, name));
      else
        put.push(
          newFact(scene, { subject, name, value, at: scene.now, by, ...(until === undefined ? {} : { until }) }),
        );
    }
  }
  const touched = new Set([...put, ...gone].map(idOf));
  const kept = scene.data.facts.filter((f) => !touched.has(idOf(f)) && !hasEnded(f, scene.now));
  if (kept.length + put.length > MAX_FACTS)
    usage(`there would be more than ${MAX_FACTS} facts set by hand: let a feed tell so many (context.feeds)`);
  return {
    data: { ...scene.data, facts: [...kept, ...put] },
    facts: put,
    droppedFacts: gone,
    news: { kind: 'context', users, cause: 'context' },
    result: { facts: put },
  };
}

/** Labels are part of the user; null takes one away. */
export function labelUser(scene: Scene, input: LabelUser): Act<{ user: User }> {
  const before = userOf(scene, input.user);
  const labels = { ...before.labels };
  for (const [name, value] of Object.entries(input.labels)) {
    if (value === null) {
      if (!Object.hasOwn(labels, name))
        throw new SallyportError('not-found', `${before.name} has no label ${escapeText(name, 80)}`);
      delete labels[name];
      continue;
    }
    const wrong = wrongFact(`user.${name}`, value, scene.config.labels);
    if (wrong !== undefined) usage(escapeText(wrong, 300));
    labels[name] = value;
  }
  const user: User = { ...before, labels };
  return {
    data: { ...scene.data, users: scene.data.users.map((u) => (u.name === user.name ? user : u)) },
    users: [user],
    news: { kind: 'context', users: new Set([user.name]), cause: 'context' },
    result: { user },
  };
}

export const idOf = ({ subject, name }: { subject: string; name: string }): string => `${subject} ${name}`;

/** Whose rights a fact of this subject can change. */
export function userOfSubject(index: FactsIndex, subject: string): string | undefined {
  return isFingerprint(subject) ? index.key(subject)?.user.name : subject;
}

function ownerOf(scene: Scene, subject: string): string | undefined {
  if (!isFingerprint(subject)) return userOf(scene, subject).name;
  const owner = scene.index.key(subject)?.user.name;
  if (owner === undefined)
    throw new SallyportError('not-found', `no user has the key ${subject}: \`sallyport user show NAME\` prints keys`);
  return owner;
}

function newFact(scene: Scene, fact: SetFact): SetFact {
  const wrong = wrongFact(fact.name, fact.value, scene.config.labels);
  if (wrong !== undefined) usage(escapeText(wrong, 300));
  if (fact.name.startsWith('user.'))
    usage(`${fact.name} is a label: set it with \`sallyport user label ${fact.subject} ${fact.name.slice(5)}=…\``);
  return fact;
}

function standing(scene: Scene, subject: string, name: string): SetFact {
  const fact = scene.index.fact(subject, name);
  if (fact !== undefined && !hasEnded(fact, scene.now)) return fact;
  throw new SallyportError(
    'not-found',
    `${escapeText(name, 80)} of ${subject} is not set by hand: \`sallyport context show\` says where facts come from`,
  );
}

export type FactChange = Readonly<Record<string, ToldValue | null>>;
