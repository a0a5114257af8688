import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.js';
import { escapeText, safeJson, showArgv } from '../../src/core/escape.js';
import { ID_PATTERN, newId } from '../../src/core/ids.js';
import { showSize } from '../../src/core/size.js';

describe('what is shown cannot act on a terminal', () => {
  it('whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = escapeText(text);
        expect(shown.length).toBeLessThanOrEqual(200);
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200b-\u200f]/);
      }),
    );
  });

  it('what has no width, tags and fillers, is seen', () => {
    const hidden = 'a\u{e0021}b\u{e0100}c\u3164d\u115f';
    expect(escapeText(hidden)).toBe('a\\ue0021b\\ue0100c\\u3164d\\u115f');
    expect(safeJson(hidden)).toMatch(/^[ -~]+$/);
    expect(JSON.parse(safeJson(hidden))).toBe(hidden);
  });

  it('long argument lists are cut, words with spaces quoted', () => {
    expect(showArgv(['rm', '-rf', 'a b'])).toBe(`rm -rf 'a b'`);
    expect(showArgv(['x'.repeat(300)])).toHaveLength(200);
    expect(showArgv(Array(1e6).fill('x'.repeat(1e3)))).toBe(`${'x'.repeat(199)}…`);
    expect(showArgv(["it's"])).toBe(`'it'\\''s'`);
  });
});

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h30m', 9_000_000],
    ['30d', 2_592_000_000],
    ['0s', 0],
  ])('%s reads as %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));
  it.each(['', '5', 'm', '5m ', '-5m', '5 m', '1.5h', '5w'])('%j is none', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
  it('are written with two units at most', () => {
    expect(formatDuration(9_000_000)).toBe('2h 30m');
    expect(formatDuration(300_000)).toBe('5m');
    expect(formatDuration(400)).toBe('0s');
    expect(formatDuration(90_061_000)).toBe('1d 1h');
  });
});

it('ids sort by time, also within one millisecond', () => {
  const ids = Array.from({ length: 1000 }, newId);
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(ID_PATTERN);
});

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [120 * 2 ** 20, '120 MiB'],
  [3.25 * 2 ** 30, '3.3 GiB'],
])('%d bytes are %s to a person', (bytes, shown) => expect(showSize(bytes)).toBe(shown));
