import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { escapeText } from '../core/escape.js';
import { effectLines } from './effects.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { table } from './table.js';
import { parseSpan, type SpanOptions, showMoment } from './when.js';

type GrantView = Reply<'grant'>['grant'];

export function addGrants(program: Command): void {
  addGrant(program);
  addRevoke(program);
  addList(program);
}

interface GrantOptions extends Globals, SpanOptions {
  role: string;
  target: string;
  reason: string;
}

function addGrant(program: Command): void {
  program
    .command('grant')
    .description('give a role for a time')
    .argument('<user>')
    .requiredOption('--role <role>', 'a role of the policy')
    .option('--target <pattern>', 'on which targets', '*')
    .option('--for <duration>', 'how long, from now: 2h, 30d')
    .option('--until <time>', "until when: 2026-03-01T14:00:00Z, or '2026-03-01 14:00' local")
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .action(async (user: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<GrantOptions>();
      const { role, target, reason } = options;
      const span = parseSpan(options, true);
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'grant', { user, role, target, reason, ...span });
      const nowMs = now();
      if (reply.warning !== undefined) process.stderr.write(`sallyport: warning: ${escapeText(reply.warning)}\n`);
      show(options, reply, ({ grant, effects }) => [
        grant.id,
        `${grant.user} has role ${grant.role} on ${grant.target} until ${showMoment(grant.until, nowMs)}`,
        ...effectLines(effects),
      ]);
    });
}

interface RevokeOptions extends Globals {
  role?: string;
  target?: string;
  reason?: string;
}

function addRevoke(program: Command): void {
  program
    .command('revoke')
    .description('end a grant, or all matching grants of a user, in live sessions too')
    .argument('<grant-or-user>', "a grant's id, or a user")
    .option('--role <role>', 'of a user: only this role')
    .option('--target <pattern>', 'of a user: only grants with this target pattern')
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async (subject: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<RevokeOptions>();
      const { ask } = await import('./ask.js');
      const { role, target, reason } = options;
      const narrowed = { ...(role && { role }), ...(target && { target }) };
      const reply = await ask(options, 'revoke', { subject, ...narrowed, ...(reason && { reason }) });
      show(options, reply, ({ grants, effects }) => [
        ...grants.map((g) => `revoked ${g.id}: ${g.user}, role ${g.role} on ${g.target}`),
        ...effectLines(effects),
      ]);
    });
}

function addList(program: Command): void {
  program
    .command('grants')
    .description('what is held, until when, why, from whom')
    .option('--user <user>', 'only of this user')
    .option('--all', 'ended and revoked ones too')
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { user?: string; all?: boolean }>();
      const { ask } = await import('./ask.js');
      const { user, all = false } = options;
      const { grants } = await ask(options, 'grants', { all, ...(user && { user }) });
      const nowMs = now();
      show(options, grants, (list) => grantTable(list, nowMs));
    });
}

function grantTable(list: readonly GrantView[], nowMs: number): string[] {
  // Only where somebody asked: most homes have no such grants.
  const asked = list.some((g) => g.request !== undefined);
  return table(
    ['GRANT', 'USER', 'ROLE', 'TARGET', 'UNTIL', 'BY', ...(asked ? ['REQUEST'] : []), 'REASON'],
    list.map((g) => grantRow(g, asked, nowMs)),
    'no grants',
  );
}

function grantRow(g: GrantView, asked: boolean, nowMs: number): string[] {
  const by = g.request === undefined ? g.by : `${g.by}, asked by ${g.user}`;
  const request = asked ? [g.request ?? '-'] : [];
  return [g.id, g.user, g.role, g.target, grantEnd(g, nowMs), by, ...request, g.reason];
}

function grantEnd(g: GrantView, nowMs: number): string {
  if (g.revokedAt !== undefined) return `revoked ${showMoment(g.revokedAt, nowMs)}`;
  if (Date.parse(g.from) > nowMs) return `from ${showMoment(g.from, nowMs)}`;
  return g.until === undefined ? 'no end' : showMoment(g.until, nowMs);
}
