/** What an act did to live sessions, in words. */
import type { Effect } from '../control/live.js';

/** One line per session that ended or changed; nothing when none was touched. */
export function effectLines(effects: readonly Effect[]): string[] {
  return effects
    .filter((effect) => effect.outcome !== 'unchanged')
    .map((effect) =>
      effect.outcome === 'ended'
        ? `session ${effect.id} of ${effect.user} ended (${effect.cause ?? 'killed'})`
        : `session ${effect.id} of ${effect.user} has new rights${ended(effect.programs)}`,
    );
}

function ended(programs = 0): string {
  if (programs === 0) return '';
  return programs === 1 ? '; a running program ended' : `; ${programs} running programs ended`;
}
