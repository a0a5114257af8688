import { type Feed, mayGive, wrongFact } from '../config/index.js';
import { escapeText } from '../core/escape.js';
import type { Labels } from '../policy/types.js';
import type { Facts, Sifted } from './types.js';

/** What is taken of what a feed told: facts that it may give and that are of their types. The rest stay unknown. */
export function sift(
  feed: Pick<Feed, 'gives'>,
  labels: Labels,
  subjects: readonly (readonly [string, Facts])[],
): Sifted {
  const facts = new Map<string, Facts>();
  let first: string | undefined;
  let count = 0;
  for (const [subject, told] of subjects) {
    const taken: Record<string, string | number | boolean> = { ...facts.get(subject) };
    for (const [name, value] of Object.entries(told)) {
      const why = whyNot(feed, labels, name, value);
      if (why === undefined) {
        taken[name] = value;
        continue;
      }
      first ??= `${subject === '' ? '' : `${subject}: `}${why}`;
      count += 1;
    }
    facts.set(subject, taken);
  }
  if (first === undefined) return { facts };
  return { facts, refused: escapeText(count === 1 ? first : `${first} (and ${count - 1} more)`, 300) };
}

function whyNot(feed: Pick<Feed, 'gives'>, labels: Labels, name: string, value: unknown): string | undefined {
  return mayGive(feed.gives, name) ? wrongFact(name, value, labels) : `${name} is not among what this feed gives`;
}
