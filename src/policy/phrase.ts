import { escapeText } from '../core/escape.js';
import type { Decision } from './types.js';

/** Characters of a command shown in a refusal. */
const SHOWN = 200;

/**
 * The line an engineer sees when something is denied, without a newline. `subject` and `startedBy` are raw text: they
 * are escaped and cut here. `more` is added behind it as it is: safe text.
 */
export function phraseDenied(
  subject: string,
  decision: Decision,
  startedBy?: string,
  more: readonly string[] = [],
): string {
  const parent = startedBy === undefined ? '' : `, started by ${escapeText(startedBy, SHOWN)}`;
  return [`sallyport: denied: ${escapeText(subject, SHOWN)}${parent} (${reason(decision)})`, ...more].join('; ');
}

/** The same for what no policy was asked about. `why` is our own. */
export function phraseRefused(subject: string, why: string, startedBy: string): string {
  return `sallyport: denied: ${escapeText(subject, SHOWN)}, started by ${escapeText(startedBy, SHOWN)} (${why})`;
}

/**
 * The line an engineer sees when running programs ended because rights did. `subjects` are raw text and `because` says
 * what changed: `grant 01k… revoked`.
 */
export function phraseEnded(subjects: readonly string[], decision: Decision, because: string): string {
  const first = escapeText(subjects[0] ?? '', SHOWN);
  const what = subjects.length > 1 ? `${subjects.length} programs, ${first} among them` : first;
  return `sallyport: ended: ${what} (${escapeText(because, SHOWN)}: ${reason(decision)})`;
}

function reason(decision: Decision): string {
  if (decision.why === 'children') return 'no rule allows it: its parent may start no program';
  if (decision.why === 'error') return 'no decision could be reached';
  return decision.rule ? `${escapeText(decision.rule.id, SHOWN)}: denied by rule` : 'no rule allows it';
}
