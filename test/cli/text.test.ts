import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fields, table } from '../../src/cli/table.js';
import { parseLength, parseMoment, parsePast, parseSpan, showMoment } from '../../src/cli/when.js';

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/;

describe('tables', () => {
  it('keep whatever is in them on one harmless line', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))), (rows) => {
        const lines = table(['A', 'B'], rows, 'none');
        expect(lines).toHaveLength(rows.length === 0 ? 1 : rows.length + 1);
        for (const line of lines) expect(line).not.toMatch(UNSAFE);
      }),
    );
    for (const line of fields([['name', 'a\u001b]0;x\u0007\nb']])) expect(line).not.toMatch(UNSAFE);
  });

  it('align their columns and cut what is too long', () => {
    expect(
      table(
        ['USER', 'N'],
        [
          ['alice', '1'],
          ['bo', '22'],
        ],
        'none',
      ),
    ).toEqual(['USER   N', 'alice  1', 'bo     22']);
    expect(table(['A', 'B'], [['x'.repeat(500), 'y']], 'none')[1]?.length).toBeLessThan(100);
    expect(table(['A'], [], 'none')).toEqual(['none']);
  });
});

describe('moments', () => {
  it('are read in UTC, with an offset, or local', () => {
    expect(parseMoment('--until', '2026-03-01T14:00:00Z')).toBe(Date.UTC(2026, 2, 1, 14));
    expect(parseMoment('--until', '2026-03-01T14:00+02:00')).toBe(Date.UTC(2026, 2, 1, 12));
    expect(parseMoment('--until', '2026-03-01 14:00')).toBe(new Date(2026, 2, 1, 14).getTime());
    expect(parseMoment('--until', '2024-02-29')).toBe(new Date(2024, 1, 29).getTime());
  });

  it.each(['', 'tomorrow', '2026-02-29', '2026-13-01', '2026-03-01 25:00', '14:00', '2026-02-31T10:00Z'])(
    'are refused when they are not in the calendar or not whole: %s',
    (text) => {
      expect(() => parseMoment('--until', text)).toThrow('not a time');
    },
  );

  it('come back as they were written, whatever the moment', () => {
    const within = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(fc.property(within, (date) => parseMoment('x', date.toISOString()) === date.getTime()));
  });

  it('may be a time ago when looking back', () => {
    expect(parsePast('--since', '2h', 10_000_000)).toBe(2_800_000);
    expect(parsePast('--since', '2026-03-01T14:00:00Z', 0)).toBe(Date.UTC(2026, 2, 1, 14));
  });

  it('are shown with what is left of them', () => {
    const now = Date.UTC(2026, 2, 1, 14);
    expect(showMoment(new Date(now + 3_600_000).toISOString(), now)).toMatch(/\(in 1h\)$/);
    expect(showMoment(new Date(now - 90_000).toISOString(), now)).toMatch(/\(1m 30s ago\)$/);
    expect(showMoment(undefined, now)).toBe('-');
  });
});

describe('spans', () => {
  it('are a length or an end, never both', () => {
    expect(parseSpan({ for: '2h30m' })).toEqual({ forMs: 9_000_000 });
    expect(parseSpan({ until: '2026-03-01T14:00:00Z' })).toEqual({ until: '2026-03-01T14:00:00.000Z' });
    expect(() => parseSpan({ for: '2h', until: '2026-03-01' })).toThrow('not both');
    expect(() => parseSpan({}, true)).toThrow('how long');
    for (const text of ['0s', '', '-1h', '2 hours', '1.5h', '99999999999999999d'])
      expect(() => parseLength('--for', text)).toThrow('not a duration');
  });
});
