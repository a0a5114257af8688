import { statfsSync, statSync } from 'node:fs';
import { auditFile } from './audit-log.js';

/** Less than this is worth a warning: a busy day's recordings and audit lines. Unit: bytes. */
export const LITTLE_ROOM = 512 * 1024 * 1024;

export interface AuditRoom {
  /** What the log takes, and what is left where it lies, bytes. */
  bytes: number;
  freeBytes: number;
  /** What is left is little. */
  little: boolean;
}

/** Undefined where it cannot be told. */
export function auditRoom(stateDir: string): AuditRoom | undefined {
  const free = freeBytes(stateDir);
  const stat = statSync(auditFile(stateDir), { throwIfNoEntry: false });
  if (free === undefined || stat === undefined) return undefined;
  return { bytes: stat.size, freeBytes: free, little: free < LITTLE_ROOM };
}

/** What an ordinary user could still write there, bytes; undefined where that cannot be told. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
