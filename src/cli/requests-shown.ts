/** Requests as people read them, escaped. */
import type { Reply } from '../control/admin-port.js';
import { formatDuration } from '../core/duration.js';
import { escapeText } from '../core/escape.js';
import { fields, table } from './table.js';
import { showMoment } from './when.js';

export type RequestView = Reply<'request'>['request'];

/** Longest command shown: all that a request holds. Unit: characters. */
const MAX_TEXT = 1_200;

export function requestTable(list: readonly RequestView[], all: boolean, nowMs: number): string[] {
  const state = all ? ['STATE'] : [];
  const header = ['REQUEST', 'KIND', 'USER', 'TARGET', ...state, 'SINCE', 'UNTIL', 'REASON', 'WHAT'];
  const rows = list.map((r) => [
    ...[r.id, r.kind, r.user, r.target],
    ...(all ? [stateOf(r)] : []),
    ...[showMoment(r.at, nowMs), showMoment(r.expiresAt, nowMs), r.reason ?? '-', whatOf(r)],
  ]);
  return table(header, rows, all ? 'no requests' : 'no requests wait');
}

/** All of one request. */
export function requestLines(r: RequestView, nowMs: number): string[] {
  return [
    ...fields([
      ['request', r.id],
      ['kind', r.kind],
      ['user', r.user],
      ['target', r.target],
      ['role', r.role],
      ['for', r.forMs === undefined ? undefined : formatDuration(r.forMs)],
      ['session', r.session],
      ['refused by', r.rule],
      ['reason', r.reason],
      ['since', showMoment(r.at, nowMs)],
      ['until', showMoment(r.expiresAt, nowMs)],
      ['state', stateOf(r)],
      ['decided', r.decidedAt && showMoment(r.decidedAt, nowMs)],
      ['why', r.why],
      ['grant', r.grant],
      ['sha256', r.digest],
    ]),
    ...(r.text === undefined ? [] : ['', escapeText(r.text, MAX_TEXT)]),
  ];
}

/** What an approval did, in words; sessions that changed are the caller's to add. */
export function approvedLines({ request, grant }: Reply<'approve'>, nowMs: number): string[] {
  const { id, user, target, text } = request;
  if (grant) {
    const until = showMoment(grant.until, nowMs);
    return [grant.id, `approved ${id}: ${user} has role ${grant.role} on ${grant.target} until ${until}`];
  }
  return [`approved ${id}: ${user} may run this once on ${target}:`, escapeText(text ?? '', MAX_TEXT)];
}

const stateOf = ({ state, by }: RequestView) => (by === undefined ? state : `${state} by ${by}`);

function whatOf({ kind, role, forMs = 0, text = '', digest }: RequestView): string {
  if (kind === 'access') return `role ${role ?? ''} for ${formatDuration(forMs)}`;
  return digest === undefined ? text : `${text} (cut)`;
}
