/** What anybody may ask for themselves: who they are, and opening a sealed grant. */
import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { formatDuration } from '../core/duration.js';
import { escapeText } from '../core/escape.js';
import { effectLines } from './effects.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { fields, table } from './table.js';
import { showMoment } from './when.js';

type Who = Reply<'whoami'>;
type Broken = Reply<'breakglass'>;

export function addOneself(program: Command): void {
  program
    .command('whoami')
    .description('who you are here: roles and until when, facts, deadlines, what is recorded')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      show(globals, await ask(globals, 'whoami', {}), whoLines);
    });
  program
    .command('breakglass')
    .description('open a sealed grant for yourself, for all to hear; without a name: what you may open')
    .argument('[name]')
    .option('--reason <text>', 'why; kept in the audit log, and told to everyone who is told')
    .action(async (name: string | undefined, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason?: string }>();
      const { reason } = options;
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'breakglass', { ...(name && { name }), ...(reason && { reason }) });
      if (reply.warning !== undefined) process.stderr.write(`sallyport: warning: ${escapeText(reply.warning)}\n`);
      if (reply.grant === undefined) show(options, reply.seals, sealLines);
      else show(options, { grant: reply.grant, effects: reply.effects }, openLines);
    });
}

function whoLines(who: Who): string[] {
  const nowMs = now();
  const { session } = who;
  return [
    ...fields([
      [who.user === undefined ? 'account' : 'user', who.name],
      ['account', who.user === undefined ? undefined : (who.account ?? who.user)],
      ['uid', session === undefined ? String(who.uid) : undefined],
      ['may', MAY[who.by]],
      ['locked', who.locked ? 'yes' : undefined],
      ['mfa', who.mfa === undefined ? undefined : who.mfa ? 'enrolled' : 'none'],
      ['session', session && `${session.id}, ${session.kind} on ${session.target}`],
      ['from', session?.source],
      ['closes', session && `${showMoment(session.deadlineAt, nowMs)}, ${session.deadlineCause}`],
      ['idle', who.idleMs === undefined ? undefined : `closes after ${formatDuration(who.idleMs)} without input`],
      ['recorded', session && `what is shown, and every command with its decision${LINES_ONLY[who.gate ?? ''] ?? ''}`],
    ]),
    ...(who.roles === undefined ? [] : ['', ...roleTable(who.roles, nowMs)]),
    ...(who.facts === undefined ? [] : ['', ...factTable(who.facts)]),
  ];
}

/** Who asked this by policy may still ask the rest for themselves, and the other way round. */
const FOR_ONESELF = 'ask for yourself, and what policy allows as @admin:VERB';
const MAY: Record<Who['by'], string> = {
  root: 'everything, as root',
  owner: "everything, as the broker's own account",
  broker: 'everything, as the broker',
  policy: FOR_ONESELF,
  self: FOR_ONESELF,
};
const LINES_ONLY: Readonly<Record<string, string>> = { 'line-only': '; programs that commands start are not' };

function roleTable(roles: NonNullable<Who['roles']>, nowMs: number): string[] {
  const rows = roles.map(({ role, target, from, until, via, by, reason }) => {
    const begins = from !== undefined && Date.parse(from) > nowMs ? `from ${showMoment(from, nowMs)}` : undefined;
    const end = until === undefined ? 'no end' : showMoment(until, nowMs);
    return [role, target, begins ?? end, via, by ?? '-', reason ?? ''];
  });
  return table(['ROLE', 'ON', 'UNTIL', 'VIA', 'BY', 'REASON'], rows, 'no roles');
}

function factTable(facts: NonNullable<Who['facts']>): string[] {
  const rows = facts.map(({ name, value, source, state }) => [name, shown(value), source ?? '-', state]);
  return table(['FACT', 'VALUE', 'FROM', 'STATE'], rows, 'nothing is known');
}

const shown = (value: unknown) =>
  value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);

function sealLines(seals: Broken['seals']): string[] {
  const rows = seals.map((s) => [s.name, s.role, s.target, formatDuration(s.lengthMs), s.for]);
  return table(['SEAL', 'ROLE', 'ON', 'FOR', 'BECAUSE YOU ARE'], rows, 'there is nothing for you to open');
}

function openLines({ grant, effects }: { grant: NonNullable<Broken['grant']>; effects: Broken['effects'] }): string[] {
  const end = showMoment(grant.until, now());
  return [
    grant.id,
    `opened: you have role ${grant.role} on ${grant.target} until ${end}; everyone who is told of it has been told`,
    ...effectLines(effects),
  ];
}
