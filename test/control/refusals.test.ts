import { expect, it } from 'vitest';
import { auditRefusals } from '../../src/control/caller.js';
import type { AuditEntry, AuditLog } from '../../src/store/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

it('an account that is refused again and again does not fill the audit log, and what is left out is counted', () => {
  const clock = new FakeClock();
  const written: AuditEntry[] = [];
  const note = auditRefusals({ append: (e: AuditEntry) => written.push(e) } as unknown as AuditLog, clock);
  for (let i = 0; i < 1_000; i += 1) note({ uid: 4001, pid: 1 }, 'lock', 'no');
  expect(written).toHaveLength(20);
  note({ uid: 4002, pid: 1 }, 'lock', 'no');
  expect(written).toHaveLength(21);
  clock.advance(60_000);
  note({ uid: 4001, pid: 1 }, 'lock', 'no');
  expect(written.at(-1)).toMatchObject({ by: 'uid 4001', text: 'no; 980 more before it were not written down' });
});
