/** Prints the audit log of a home, for who may read its files: root and the home's owner. */
import { homePaths } from '../control/home.js';
import type { Clock } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { renderAudit } from '../record/index.js';
import { AUDIT_EVENTS, type AuditFilter, readAudit } from '../store/index.js';
import { mustReadFiles } from './readable.js';

export interface AuditPrint {
  json?: boolean;
  follow?: boolean;
  clock: Clock;
}

/** One event a line; what is unreadable or missing in the log is said on stderr. Follows until SIGINT. */
export async function readAuditOf(home: string, filter: AuditFilter, print: AuditPrint): Promise<void> {
  const { state } = homePaths(home);
  mustReadFiles(state, 'the audit log');
  if (filter.event !== undefined && !AUDIT_EVENTS.some((name) => name === filter.event))
    throw new SallyportError('usage', `--event ${filter.event}: no such event; there are ${AUDIT_EVENTS.join(', ')}`);
  const { session: prefix, ...rest } = filter;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const follow = print.follow ? { follow: { clock: print.clock, signal: stop.signal } } : {};
  const onProblem = ({ line, message }: { line: number; message: string }) =>
    process.stderr.write(`sallyport: audit log, line ${line}: ${escapeText(message)}\n`);
  for await (const event of readAudit(state, { ...rest, ...follow, onProblem })) {
    if (prefix !== undefined && !event.session?.startsWith(prefix)) continue;
    process.stdout.write(`${print.json ? JSON.stringify(event) : renderAudit(event)}\n`);
  }
}
