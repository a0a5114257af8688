/** RFC 5424: what a syslog receiver reads. */
import { escapeText } from '../core/escape.js';
import type { HookEvent } from './types.js';

/** RFC 5424, 6.1: what every receiver should take. Unit: bytes. */
export const MAX_MESSAGE_BYTES = 2_048;
/** Longest value of a parameter. Unit: characters. */
const MAX_VALUE = 80;
/** 32473 is the number for examples (RFC 5612): this project has none of its own. */
const SD_ID = 'sallyport@32473';
const PARAMETERS = [
  'id',
  'seq',
  'user',
  'session',
  'target',
  'source',
  'door',
  'by',
  'rule',
  'cause',
  'reason',
] as const;

export const Severity = { error: 3, warning: 4, notice: 5, info: 6 } as const;

/** By what it means for whoever watches; everything else is information. */
const SEVERITIES: Partial<Record<HookEvent['event'], number>> = {
  dropped: Severity.error,
  'door.lost': Severity.error,
  'session.cut': Severity.error,
  'login.refused': Severity.warning,
  'session.refused': Severity.warning,
  'command.refused': Severity.warning,
  'admin.refused': Severity.warning,
  'admin.failed': Severity.warning,
  'reload.refused': Severity.warning,
  feed: Severity.warning,
  lock: Severity.notice,
  unlock: Severity.notice,
  grant: Severity.notice,
  revoke: Severity.notice,
  request: Severity.notice,
  approve: Severity.notice,
  refuse: Severity.notice,
  kill: Severity.notice,
  reload: Severity.notice,
  admin: Severity.notice,
};

export interface Origin {
  host: string;
  pid: number;
}

/** One message, without the framing of a transport; at most MAX_MESSAGE_BYTES of UTF-8. */
export function syslogMessage(event: HookEvent, facility: number, { host, pid }: Origin): string {
  const severity = severityOf(event);
  const name = host.replace(/[^\x21-\x7e]/g, '?').slice(0, 255) || '-';
  const head = `<${facility * 8 + severity}>1 ${event.at} ${name} sallyport ${pid} ${event.event} ${structured(event)} `;
  // The mark says that the text is UTF-8.
  return cutBytes(`${head}\ufeff${sentence(event)}`, MAX_MESSAGE_BYTES);
}

function severityOf({ event, data }: HookEvent): number {
  if (event === 'feed' && data?.state === 'fresh') return Severity.info;
  return SEVERITIES[event] ?? Severity.info;
}

function structured(event: HookEvent): string {
  const params = PARAMETERS.flatMap((name) => {
    const value = event[name];
    return value === undefined ? [] : [` ${name}="${escapeValue(escapeText(String(value), MAX_VALUE))}"`];
  });
  return `[${SD_ID}${params.join('')}]`;
}

/** RFC 5424, 6.3.3. */
const escapeValue = (value: string): string => value.replace(/["\\\]]/g, '\\$&');

function sentence({ event, user, target, text, reason, cause }: HookEvent): string {
  const who = user === undefined ? '' : ` ${user}${target === undefined ? '' : ` on ${target}`}`;
  const why = [cause, reason].filter((part) => part !== undefined).join(': ');
  return escapeText(`${event}${who}${text === undefined ? '' : `: ${text}`}${why === '' ? '' : ` (${why})`}`, 1_000);
}

/** As many whole characters as fit. */
function cutBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  return bytes
    .subarray(0, max)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}

/** RFC 6587, 3.4.1: octet counting. */
export function octetCounted(messages: readonly string[]): Buffer {
  return Buffer.from(messages.map((message) => `${Buffer.byteLength(message)} ${message}`).join(''));
}
