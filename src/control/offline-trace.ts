/** An entry in the audit log of a home that no broker holds. */
import { statSync } from 'node:fs';
import { systemClock } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { type AuditEntry, openAuditLog, takeHomeLock } from '../store/index.js';
import { HomeBusyError } from './busy.js';
import { homePaths } from './home.js';

/** Durable when it resolves. Rejects with a HomeBusyError while another process has the home. */
export async function traceOffline(home: string, entry: AuditEntry): Promise<void> {
  const { state } = homePaths(home);
  const lock = lockFree(state);
  try {
    const audit = openAuditLog(state, systemClock());
    try {
      audit.append(entry);
      await audit.durable();
    } finally {
      await audit.close();
    }
  } finally {
    lock.release();
  }
}

function lockFree(state: string) {
  try {
    const { uid, gid } = statSync(state);
    return takeHomeLock(state, { uid, gid }, 'a sallyport command');
  } catch (error) {
    const busy = error instanceof SallyportError && error.message.includes(': in use by ');
    throw busy ? new HomeBusyError('failed', error.message) : error;
  }
}
