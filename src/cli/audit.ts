import type { Command } from 'commander';
import type { AuditFilter } from '../store/index.js';
import { clock, now } from './now.js';
import type { Globals } from './output.js';
import { parsePast } from './when.js';

interface AuditOptions extends Globals {
  follow?: boolean;
  since?: string;
  until?: string;
  user?: string;
  session?: string;
  event?: string;
  text?: string;
}

export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('who did what, allowed by which rule')
    .option('--follow', 'go on with what happens')
    .option('--since <time>', 'from then on: a time, or how long ago: 2h')
    .option('--until <time>', 'until then')
    .option('--user <user>')
    .option('--session <id>', 'its id, or the beginning of it')
    .option('--event <event>', 'login, session-end, decision, admin, …')
    .option('--text <text>', 'anywhere in the entry, or in the line as it is printed')
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<AuditOptions>();
      const filter = filterOf(options);
      const { placeOf } = await import('./place.js');
      const { readAuditOf } = await import('./audit-read.js');
      await readAuditOf(placeOf(options), filter, { ...options, clock });
    });
}

function filterOf({ since, until, user, session, event, text }: AuditOptions): AuditFilter {
  return {
    ...(since !== undefined && { since: parsePast('--since', since, now()) }),
    ...(until !== undefined && { until: parsePast('--until', until, now()) }),
    ...(user !== undefined && { user }),
    ...(session !== undefined && { session }),
    ...(event !== undefined && { event }),
    ...(text !== undefined && { text }),
  };
}
