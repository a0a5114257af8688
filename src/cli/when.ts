/** Moments as people write and read them: local time, with how long that is from now. */
import { formatDuration, parseDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';

const two = (n: number) => String(n).padStart(2, '0');

/** `2026-03-01 14:05:09` in the local zone. */
export function localTime(ms: number): string {
  const d = new Date(ms);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** `14:05:09 (in 2h 3m)` today, with the date on other days; `-` for no moment at all. */
export function showMoment(iso: string | undefined, nowMs: number): string {
  if (iso === undefined) return '-';
  const at = Date.parse(iso);
  const full = localTime(at);
  const shown = full.slice(0, 10) === localTime(nowMs).slice(0, 10) ? full.slice(11) : full;
  return `${shown} (${distance(at - nowMs)})`;
}

function distance(ms: number): string {
  return ms >= 0 ? `in ${formatDuration(ms)}` : `${formatDuration(-ms)} ago`;
}

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/;
const ZONED = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** Reads `2026-03-01T14:00:00Z`, or `2026-03-01[ 14:00[:00]]` in the local zone, as ms. Throws `usage`. */
export function parseMoment(option: string, text: string): number {
  const local = LOCAL.exec(text);
  if (local) return localMoment(option, text, local.slice(1).map(Number));
  const zoned = ZONED.exec(text);
  const ms = zoned && isDay(zoned.slice(1, 4).map(Number)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw badMoment(option, text);
  return ms;
}

function localMoment(option: string, text: string, parts: number[]): number {
  const [year = 0, month = 0, day = 0, hour, minute, second] = parts;
  const clock = [hour, minute, second].map((n) => (n === undefined || Number.isNaN(n) ? 0 : n));
  const [h = 0, m = 0, s = 0] = clock;
  if (!isDay([year, month, day]) || h > 23 || m > 59 || s > 59) throw badMoment(option, text);
  return new Date(year, month - 1, day, h, m, s).getTime();
}

function isDay([year = 0, month = 0, day = 0]: number[]): boolean {
  const d = new Date(Date.UTC(year, month - 1, day));
  return d.getUTCFullYear() === year && d.getUTCMonth() === month - 1 && d.getUTCDate() === day;
}

function badMoment(option: string, text: string): SallyportError {
  return new SallyportError(
    'usage',
    `${option} ${text}: not a time; write 2026-03-01T14:00:00Z, or '2026-03-01 14:00' for local time`,
  );
}

/** Reads `90s`, `2h30m`, `30d` as ms, at least 1. Throws `usage`. */
export function parseLength(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0)
    throw new SallyportError('usage', `${option} ${text}: not a duration; write 90s, 15m, 2h30m or 30d`);
  return ms;
}

/** For --since and --until of a search: a moment, or how long ago. */
export function parsePast(option: string, text: string, nowMs: number): number {
  const ago = parseDuration(text);
  return ago === undefined ? parseMoment(option, text) : nowMs - ago;
}

export interface SpanOptions {
  for?: string;
  until?: string;
}

/** `--for` or `--until`, never both; `needed` says that one must be there. */
export function parseSpan(options: SpanOptions, needed = false): { forMs?: number; until?: string } {
  if (options.for !== undefined && options.until !== undefined)
    throw new SallyportError('usage', 'give --for or --until, not both');
  if (options.for !== undefined) return { forMs: parseLength('--for', options.for) };
  if (options.until !== undefined) return { until: isoOf(parseMoment('--until', options.until)) };
  if (needed) throw new SallyportError('usage', 'say how long: --for 2h, or --until TIME');
  return {};
}

export const isoOf = (ms: number) => new Date(ms).toISOString();
