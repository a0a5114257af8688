import { escapeText } from '../../core/escape.js';
import { plainCondition } from '../cel/conjuncts.js';
import { momentIn } from '../zone.js';
import type { Remedy, Way } from './types.js';

/** Characters of a way, beside what it is added to. */
const SHOWN = 160;

const WORDS: Record<Remedy, string> = { mfa: 'a fresh second factor', approval: "another person's approval" };

/** `a fresh second factor and another person's approval would allow it`. */
export function phraseRemedies(remedies: readonly Remedy[]): string {
  return `${remedies.map((remedy) => WORDS[remedy]).join(' and ')} would allow it`;
}

/** Half a sentence that is safe to show: `night would, from 22:00 UTC`. */
export function phraseWay(way: Way): string {
  return escapeText(wordsOf(way), SHOWN);
}

function wordsOf(way: Way): string {
  switch (way.by) {
    case 'hour':
      return `${way.rule} would, from ${momentIn(way.timezone, way.from, way.now)}`;
    case 'facts':
      return `${way.rule} would, with ${way.lacks.map(plainCondition).join(' and ')}`;
    case 'lapse':
      return `${way.rule} does so while ${plainCondition(way.condition)}`;
  }
}
