import type { Clock } from '../core/clock.js';
import { escapeText } from '../core/escape.js';
import type { Registry } from './registry.js';

/** Longest alarm. Unit: characters. */
const MAX_ALARM = 500;
const REVOKE = { kind: 'action', action: '@admin:revoke' } as const;

/** Tells the operator, and every open shell of someone who could take a grant back. */
export function createAlarm(parts: { clock: Clock; registry: Registry; log(line: string): void }) {
  return (text: string): void => {
    const line = escapeText(text, MAX_ALARM);
    parts.log(line);
    const now = parts.clock.now();
    for (const s of parts.registry.all())
      if (s.state === 'live' && s.kind === 'shell' && s.pty && s.compiled.decide(REVOKE, now).allow)
        s.pair.toDoor({ type: 'notice', sid: s.id, text: `sallyport: ${line}` });
  };
}
