import { type AuditLog, clearLive, listLive } from '../store/index.js';

/**
 * Writes down the sessions that were live when an earlier keeper died, and returns one line for each: the kernel ended
 * them with it, and nobody could say so then.
 */
export async function reportCut(stateDir: string, audit: AuditLog): Promise<string[]> {
  const cut = await listLive(stateDir);
  for (const { session, info } of cut) {
    const text = (key: string) => (typeof info[key] === 'string' ? { [key]: info[key] as string } : {});
    audit.append({
      event: 'cut',
      session,
      cause: 'crashed',
      reason: 'the broker died while this session was live',
      ...text('user'),
      ...text('target'),
      ...text('source'),
    });
  }
  if (cut.length > 0) await audit.durable();
  for (const { session } of cut) await clearLive(stateDir, session);
  return cut.map(({ session, info }) => `session ${session} of ${String(info.user ?? 'unknown')} was cut (crashed)`);
}
