/** Literals of durations and timestamps: what is wrong with one, and how it is written. */
import { durationMs, timestampMs } from './environment.js';

/** Beyond these the library answers where CEL has an error; nothing here lasts so long or lies so far. Unit: ms. */
const LONGEST = 1_000_000 * 3_600_000;
const EARLIEST = Date.parse('1970-01-01T00:00:00Z');
const LATEST = Date.parse('3000-01-01T00:00:00Z');

/** Why `duration('…')` will not do, for a person; undefined: it does. */
export function wrongDuration(text: string): string | undefined {
  const ms = durationMs(text);
  if (ms === undefined) return `duration('${text}') is not a CEL duration${howDuration(text)}`;
  if (/[nuµ]s/.test(text) || Math.abs(ms) > LONGEST) return `duration('${text}'): durations here are 1ms to 1000000h`;
  return undefined;
}

/** As people write them, and what CEL has for it. */
const UNITS: readonly (readonly [RegExp, string, number])[] = [
  [/^(ms|milliseconds?)$/, 'ms', 1],
  [/^(s|secs?|seconds?)$/, 's', 1],
  [/^(m|mins?|minutes?)$/, 'm', 1],
  [/^(h|hrs?|hours?)$/, 'h', 1],
  [/^(d|days?)$/, 'h', 24],
  [/^(w|weeks?)$/, 'h', 168],
];
const ORDER = ['h', 'm', 's', 'ms'];

function howDuration(text: string): string {
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) {
    const n = text.trim();
    return `: it needs a unit, as in duration('${n}s'), duration('${n}m') or duration('${n}h')`;
  }
  const meant = meantDuration(text);
  const days = /\d\s*(d|w)/i.test(text) ? ', whose longest unit is the hour' : '';
  return `${days}: write ${meant === undefined ? 'one as ' : ''}duration('${meant ?? '1h30m'}')`;
}

function meantDuration(text: string): string | undefined {
  const parts = [...text.toLowerCase().matchAll(/(\d+)\s*([a-z]+)/g)];
  if (parts.length === 0 || text.replace(/(\d+)\s*([a-z]+)/gi, '').replace(/,|\band\b|\s/gi, '') !== '')
    return undefined;
  const sums = new Map<string, number>();
  for (const [, count = '', name = ''] of parts) {
    const unit = UNITS.find(([pattern]) => pattern.test(name));
    if (unit === undefined) return undefined;
    sums.set(unit[1], (sums.get(unit[1]) ?? 0) + Number(count) * unit[2]);
  }
  return ORDER.filter((unit) => sums.has(unit))
    .map((unit) => `${sums.get(unit)}${unit}`)
    .join('');
}

/** Why `timestamp('…')` will not do, for a person; undefined: it does. */
export function wrongTimestamp(text: string): string | undefined {
  const at = timestampMs(text);
  if (at !== undefined && at >= EARLIEST && at < LATEST) return rolled(text);
  return `timestamp('${text}') ${howTimestamp(text)}`;
}

function howTimestamp(text: string): string {
  const [, date = '', time = '', zone = ''] = PARTS.exec(text.trim()) ?? [];
  const meant = `${date}T${time === '' ? '00:00' : time}${time.length > 5 ? '' : ':00'}${zone || 'Z'}`;
  if (date === '' || timestampMs(meant) === undefined || rolled(meant) !== undefined)
    return "is no moment from 1970 to 2999; write one as timestamp('2026-12-31T18:00:00Z')";
  if (time === '') return `has no time of day: write timestamp('${meant}') for its beginning in UTC`;
  if (zone !== '') return `is no moment from 1970 to 2999; write timestamp('${meant}')`;
  return `says no zone: write timestamp('${meant}') for UTC, or +01:00 in place of the Z`;
}

const PARTS = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*(Z|[+-]\d\d:\d\d)?$/i;

/** The library takes the 30th of February for the 2nd of March. */
function rolled(text: string): string | undefined {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? [];
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) > last ? `timestamp('${text}'): ${year}-${month} has ${last} days` : undefined;
}
