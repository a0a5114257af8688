import { describe, expect, it } from 'vitest';
import { renderAudit } from '../../src/store/index.js';

const NASTY = 'echo \u001b]52;c;eA==\u0007\n\u202e';

describe('an audit event for people', () => {
  it('is one escaped line with what it has', () => {
    const at = '2026-01-05T09:00:00.000Z';
    expect(
      renderAudit({
        seq: 7,
        at,
        event: 'decision',
        user: 'alice',
        target: 'db1',
        session: '01kdmy6wv00000000000000000',
        text: NASTY,
        allow: false,
        rule: 'no-wipe',
        n: 4,
      }),
    ).toBe(
      `${at}      7 decision        alice@db1 session 01kdmy6wv00000000000000000 denied #4: echo \\e]52;c;eA==\\x07\\n\\u202e (no-wipe)`,
    );
    expect(renderAudit({ seq: 8, at, event: 'admin', by: 'root', text: 'lock --user bob', reason: 'left\n' })).toBe(
      `${at}      8 admin           lock --user bob reason: left\\n by root`,
    );
    const data = { gate: 'exec', why: 'rule', parent: 'make \u001b' };
    expect(renderAudit({ seq: 9, at, event: 'decision', allow: true, text: 'cc', rule: 'work', data })).toMatch(
      /allowed: cc \(work\) \[exec, started by make \\e\]$/,
    );
    expect(renderAudit({ seq: 9, at, event: 'session-end', data: { status: '', denied: 1 } })).toMatch(/ denied=1$/);
  });
});
