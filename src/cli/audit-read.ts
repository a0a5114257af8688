/** Prints the audit log: from the home's files for who may read them, else through the broker. */
import { auditIn } from '../control/evidence.js';
import { homePaths } from '../control/home.js';
import { askFrames } from '../control/stream-client.js';
import { auditEvent, type Found } from '../control/streams.js';
import type { Clock } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { escapeText, safeJson } from '../core/escape.js';
import { AUDIT_EVENTS, type AuditEvent, type AuditEventName, type AuditFilter, renderAudit } from '../store/index.js';
import type { Place } from './place.js';
import { mayRead, untilInterrupted } from './readable.js';

export interface AuditPrint {
  json?: boolean;
  follow?: boolean;
  clock: Clock;
}

/**
 * One event a line; what is unreadable or missing in the log is said on stderr. `filter.session` is the beginning of an id.
 * Follows until SIGINT.
 */
export async function readAuditOf(place: Place, filter: AuditFilter, print: AuditPrint): Promise<void> {
  for await (const found of eventsOf(place, filter, print)) {
    if ('problem' in found) process.stderr.write(`sallyport: ${escapeText(found.problem, 600)}\n`);
    else process.stdout.write(`${print.json ? safeJson(found.item) : renderAudit(found.item)}\n`);
  }
}

function eventsOf(
  { home, way }: Place,
  filter: AuditFilter,
  { clock, follow = false }: AuditPrint,
): AsyncIterable<Found<AuditEvent>> {
  const { event, ...rest } = filter;
  const known = event === undefined ? {} : { event: knownEvent(event) };
  const signal = untilInterrupted();
  if (home !== undefined && mayRead(homePaths(home).state)) return auditIn(home, filter, { clock, follow, signal });
  const request = { ...rest, ...known, ...(follow && { follow }) };
  return askFrames({ way, verb: 'audit', request, schema: auditEvent, signal });
}

function knownEvent(name: string): AuditEventName {
  const event = AUDIT_EVENTS.find((known) => known === name);
  if (event) return event;
  throw new SallyportError('usage', `--event ${name}: no such event; there are ${AUDIT_EVENTS.join(', ')}`);
}
