/** From lines of the audit log to what hooks are told. */
import type { HookEventName } from '../config/index.js';
import { newId } from '../core/ids.js';
import type { AuditEvent, AuditEventName } from '../store/index.js';
import type { HookEvent } from './types.js';

/** Longest text sent, and longest details. Unit: characters. */
const MAX_TEXT = 2_000;
const MAX_DATA = 4_000;

/** Undefined: nobody is told. */
const NAMES: Readonly<Record<Exclude<AuditEventName, 'admin' | 'decision'>, HookEventName | undefined>> = {
  'keeper-start': 'broker.start',
  'keeper-stop': 'broker.stop',
  'door-start': undefined,
  'door-lost': 'door.lost',
  login: 'login',
  'login-refused': 'login.refused',
  factor: undefined,
  logout: undefined,
  'session-start': 'session.start',
  'session-refused': 'session.refused',
  'session-end': 'session.end',
  cut: 'session.cut',
  'admin-refused': 'admin.refused',
  policy: 'reload.refused',
  config: undefined,
  breakglass: 'breakglass',
  'grant-started': 'grant.started',
  'grant-ended': 'grant.ended',
  'lock-ended': 'lock.ended',
  'key-expired': 'key.expired',
  request: 'request',
  approve: 'approve',
  refuse: 'refuse',
  'request-expired': 'request.expired',
  'request-withdrawn': 'request.withdrawn',
  'store-failed': undefined,
  restore: undefined,
  'audit-torn': undefined,
  context: 'context',
  feed: 'feed',
  // A hook that is told of hooks would be told of itself.
  hook: undefined,
  notice: undefined,
};

const VERBS = ['lock', 'unlock', 'grant', 'revoke', 'kill', 'reload'] as const;

/** What people do: an entry of it that says no tells that it failed. */
const ACTS: ReadonlySet<AuditEventName> = new Set([
  'admin',
  'breakglass',
  'request',
  'approve',
  'refuse',
  'request-withdrawn',
]);

/** What an entry is called among hooks. A command that may run is no event: the audit log has those. */
export function nameOf({ event, allow, data }: AuditEvent): HookEventName | undefined {
  if (event === 'decision') return data && 'ended' in data ? 'command.ended' : allow ? undefined : 'command.refused';
  if (allow === false && ACTS.has(event)) return 'admin.failed';
  if (event !== 'admin') return NAMES[event];
  return VERBS.find((verb) => verb === data?.verb) ?? 'admin';
}

/** Bounded in size, whatever the entry holds. */
export function eventOf(name: HookEventName, { event: _, seq, at, text, data, ...rest }: AuditEvent): HookEvent {
  const keepsText = text === undefined || text.length <= MAX_TEXT;
  const keepsData = data === undefined || JSON.stringify(data).length <= MAX_DATA;
  return {
    id: newId(),
    event: name,
    at,
    seq,
    ...rest,
    ...(text === undefined ? {} : { text: keepsText ? text : `${text.slice(0, MAX_TEXT - 1)}…` }),
    ...(data !== undefined && keepsData ? { data } : {}),
    ...(keepsText && keepsData ? {} : { cut: true }),
  };
}

/** What tells a receiver how many events it was not told of. */
export function droppedEvent(events: number, atMs: number): HookEvent {
  const text = `${events} events could not be told here; the audit log has them`;
  return { id: newId(), event: 'dropped', at: new Date(atMs).toISOString(), text, data: { events } };
}
