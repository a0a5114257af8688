import { escapeText } from '../core/escape.js';
import type { AuditEvent } from './audit-types.js';

/** Columns an event's name takes, so that what follows lines up. */
const NAME_WIDTH = 15;

/** One audit event as one line for people, escaped, without newline: when, number, what, who, where, how decided. */
export function renderAudit(event: AuditEvent): string {
  const name = escapeText(event.event).padEnd(NAME_WIDTH);
  const parts = [
    `${escapeText(event.at)} ${String(event.seq).padStart(6)} ${name}`,
    whoOf(event),
    labelled('from', event.source),
    labelled('session', event.session),
    labelled('door', event.door),
    labelled('key', event.key),
    whatOf(event),
    labelled('cause', event.cause),
    labelled('reason:', event.reason),
    labelled('by', event.by),
    detailsOf(event),
  ];
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .trimEnd();
}

function whoOf({ user, target, account }: AuditEvent): string {
  const place = target === undefined ? '' : `@${escapeText(target)}`;
  const as = account === undefined || account === user ? '' : ` as ${escapeText(account)}`;
  return `${user === undefined ? '' : escapeText(user)}${place}${as}`;
}

function whatOf({ text, allow, rule, n, data }: AuditEvent): string {
  const said = data && 'ended' in data ? 'ended' : 'denied';
  const verdict = allow === undefined ? '' : `${allow ? 'allowed' : said}${n === undefined ? '' : ` #${n}`}: `;
  const decidedBy = rule === undefined ? '' : ` (${escapeText(rule)})`;
  return `${verdict}${text === undefined ? '' : escapeText(text, 400)}${decidedBy}`.trimStart();
}

/** A decision's gate and what asked; of other events every detail. */
function detailsOf({ event, data }: AuditEvent): string {
  const details = Object.entries(data ?? {}).filter(([, value]) => value !== '');
  if (event !== 'decision') return details.map(([key, value]) => `${escapeText(key)}=${shown(value)}`).join(' ');
  const { gate, parent, ended } = Object.fromEntries(details);
  const from = parent === undefined ? '' : `, started by ${shown(parent)}`;
  const because = ended === undefined ? '' : `, ${shown(ended)}`;
  return gate === undefined ? '' : `[${shown(gate)}${from}${because}]`;
}

const shown = (value: unknown): string => escapeText(typeof value === 'string' ? value : JSON.stringify(value), 200);

function labelled(label: string, value: string | number | undefined): string {
  return value === undefined ? '' : `${label} ${escapeText(String(value))}`;
}
