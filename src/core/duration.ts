const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+)(ms|s|m|h|d)/y;

/** Reads `90s`, `15m`, `2h30m`, `30d` as ms; undefined when it is not such a duration. */
export function parseDuration(text: string): number | undefined {
  let total = 0;
  PART.lastIndex = 0;
  if (text === '') return undefined;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (!match) return undefined;
    total += Number(match[1]) * (UNITS[match[2] as string] as number);
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Writes ms as `2h 30m`, `5m`, `45s`; at most two units; less than a second is `0s`. */
export function formatDuration(ms: number): string {
  let left = Math.max(0, Math.round(ms / 1000));
  const parts: string[] = [];
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0 && parts.length < 2) parts.push(`${n}${unit}`);
    else if (parts.length > 0 && n === 0) continue;
  }
  return parts.length > 0 ? parts.join(' ') : '0s';
}
