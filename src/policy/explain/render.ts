import { escapeText } from '../../core/escape.js';
import type { Decision } from '../types.js';
import type { Explanation, MissingFact } from './types.js';

/** The explanation as text for a terminal, several lines, the last without newline. */
export function renderExplanation(explanation: Explanation): string {
  const { user, target, subject, decision, condition, changes, missing, near } = explanation;
  const lines = [`${decision.allow ? 'allow' : 'deny'}: ${user} on ${target}: ${subject}`, `  ${becauseOf(decision)}`];
  if (condition !== undefined) lines.push(`  its condition ${condition}`);
  for (const { words } of changes) lines.push(`  ${words}`);
  for (const fact of missing) lines.push(`  ${sayMissing(fact)}`);
  const shown = near.filter((rule) => !rule.elsewhere);
  if (shown.length > 0) lines.push('near rules:');
  for (const rule of shown) {
    lines.push(`  ${rule.id} (${rule.file}:${rule.line}, ${rule.effect}) fails on ${rule.fails}: ${rule.change}`);
  }
  return lines.join('\n');
}

const sayMissing = ({ fact, why }: MissingFact) => `fact ${fact} is missing${why === undefined ? '' : `: ${why}`}`;

function becauseOf({ allow, rule, why, children, uncertain, detail }: Decision): string {
  if (rule) {
    const place = `rule ${rule.id} (${rule.file}:${rule.line})`;
    if (allow) return `by ${place}; programs it starts are ${children}`;
    return uncertain ? `words known only at run time may fall under ${place}` : `denied by ${place}`;
  }
  if (why === 'error') return `no decision could be reached: ${escapeText(detail ?? '')}`;
  if (why === 'children') return 'its parent may start no program';
  if (allow) return 'its parent is trusted and no rule denies it';
  return uncertain ? 'no rule is sure to allow it: some words are known only at run time' : 'no rule allows it';
}
