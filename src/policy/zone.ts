/** Offsets of time zones only change at whole quarters of an hour. Unit: ms. */
export const QUARTER_MS = 15 * 60_000;

export interface ZoneTime {
  /** 0 to 23. */
  hour: number;
  /** 0 Sunday to 6 Saturday, as CEL's getDayOfWeek counts. */
  weekday: number;
}

interface Zone {
  format: Intl.DateTimeFormat;
  /** By quarter of an hour since the epoch. */
  known: Map<number, ZoneTime>;
}

/** Quarters remembered of each zone: two days. To read one takes some µs, and all sessions ask for the same ones. */
const MAX_QUARTERS = 192;

const zones = new Map<string, Zone>();
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Hour and weekday in an IANA zone. Asking the same quarter of an hour again is cheap. Throws on an unknown zone. */
export function zoneTime(timezone: string, atMs: number): ZoneTime {
  const quarter = Math.floor(atMs / QUARTER_MS);
  let zone = zones.get(timezone);
  if (zone === undefined) {
    zone = { format: formatFor(timezone), known: new Map() };
    if (zones.size >= 1000) zones.clear();
    zones.set(timezone, zone);
  }
  const known = zone.known.get(quarter);
  if (known !== undefined) return known;
  const time = read(zone.format, quarter * QUARTER_MS);
  if (zone.known.size >= MAX_QUARTERS) zone.known.clear();
  zone.known.set(quarter, time);
  return time;
}

/** The next moment at which the hour or the weekday changes there. */
export function nextHour(timezone: string, fromMs: number): number {
  const before = zoneTime(timezone, fromMs);
  for (let at = (Math.floor(fromMs / QUARTER_MS) + 1) * QUARTER_MS; ; at += QUARTER_MS) {
    const { hour, weekday } = zoneTime(timezone, at);
    if (hour !== before.hour || weekday !== before.weekday) return at;
  }
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', { timeZone, hour: 'numeric', hourCycle: 'h23', weekday: 'short' });
}

function read(format: Intl.DateTimeFormat, atMs: number): ZoneTime {
  const parts = format.formatToParts(atMs);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return { hour: Number(part('hour')), weekday: DAYS.indexOf(part('weekday')) };
}

const DAY_MS = 24 * 3_600_000;

/** A moment to come as people of the zone say it, `07:00 UTC` or `Mon 07:00 Europe/Berlin`. */
export function momentIn(timezone: string, atMs: number, nowMs: number): string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const day = atMs - nowMs < DAY_MS ? '' : `${DAYS[zoneTime(timezone, atMs).weekday]} `;
  return `${day}${format.format(atMs)} ${timezone}`;
}
