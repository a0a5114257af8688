import { describe, expect, it } from 'vitest';
import { eventOf, nameOf } from '../../src/hooks/index.js';
import type { AuditEntry, AuditEvent } from '../../src/store/index.js';

const logged = (entry: AuditEntry): AuditEvent => ({ seq: 7, at: '2026-01-05T09:00:00.000Z', ...entry });

describe('what hooks are told', () => {
  it.each<[string | undefined, AuditEntry]>([
    ['session.start', { event: 'session-start' }],
    ['session.cut', { event: 'cut' }],
    ['command.refused', { event: 'decision', allow: false, data: { gate: 'line' } }],
    ['command.ended', { event: 'decision', allow: false, data: { ended: 'grant revoked' } }],
    [undefined, { event: 'decision', allow: true }],
    ['lock', { event: 'admin', data: { verb: 'lock' } }],
    ['admin.failed', { event: 'admin', allow: false, data: { verb: 'lock' } }],
    ['admin', { event: 'admin', data: { verb: 'user.add' } }],
    [undefined, { event: 'hook' }],
  ])('%s is made of %o', (name, entry) => {
    expect(nameOf(logged(entry))).toBe(name);
  });

  it('has an id of its own and its line in the audit log, and stays short', () => {
    const entry = logged({ event: 'decision', user: 'alice', text: 'x'.repeat(5_000), data: { a: 'y'.repeat(5_000) } });
    const event = eventOf('command.refused', entry);
    expect(event).toMatchObject({ event: 'command.refused', seq: 7, user: 'alice', cut: true });
    expect(event.text).toHaveLength(2_000);
    expect(event.data).toBeUndefined();
    expect(eventOf('command.refused', entry).id).not.toBe(event.id);
  });
});
