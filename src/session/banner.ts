import { formatDuration } from '../core/duration.js';
import type { Admitted } from '../wire/types.js';

/** The line after login: what is recorded, and when the session ends. */
export function bannerText(admitted: Admitted, nowMs: number): string {
  const { deadlines, id, gate } = admitted;
  const at = new Date(deadlines.hardAt).toISOString().slice(0, 16).replace('T', ' ');
  const left = formatDuration(deadlines.hardAt - nowMs);
  const scope = gate === 'line-only' ? '; only typed lines are decided, not the programs they start' : '';
  const idle = formatDuration(deadlines.idleMs);
  return `sallyport: session ${id} is recorded; it closes in ${left} (${at} UTC), or after ${idle} without input${scope}`;
}
