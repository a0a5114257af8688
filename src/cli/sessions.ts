import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { formatDuration } from '../core/duration.js';
import { effectLines } from './effects.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { processLines } from './process-tree.js';
import { fields, table } from './table.js';
import { showMoment } from './when.js';

type SessionView = Reply<'sessions'>['sessions'][number];
type Detail = Reply<'session'>;

export function addSessions(program: Command): void {
  addList(program);
  addShow(program);
  addKill(program);
}

function addList(program: Command): void {
  program
    .command('sessions')
    .description('who is connected')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const { sessions } = await ask(globals, 'sessions', {});
      show(globals, sessions, sessionTable);
    });
}

export function sessionTable(list: readonly SessionView[]): string[] {
  const nowMs = now();
  const header = ['SESSION', 'USER', 'ACCOUNT', 'TARGET', 'KIND', 'FROM', 'SINCE', 'IDLE', 'ENDS', 'DENIED'];
  return table(
    header,
    list.map((s) => sessionRow(s, nowMs)),
    'no live sessions',
  );
}

function sessionRow(s: SessionView, nowMs: number): string[] {
  const since = formatDuration(nowMs - Date.parse(s.startedAt));
  const idle = formatDuration(nowMs - Date.parse(s.lastInputAt));
  const denied = `${s.denied} of ${s.commands}`;
  return [s.id, s.user, s.account, s.target, s.kind, s.source, since, idle, showMoment(s.deadlineAt, nowMs), denied];
}

function addShow(program: Command): void {
  program
    .command('session')
    .description('one live session: rights, deadlines, context, what runs')
    .argument('<id>', 'its id, or the beginning of it')
    .action(async (id: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const nowMs = now();
      show(globals, await ask(globals, 'session', { id }), (detail) => detailLines(detail, nowMs));
    });
}

function detailLines(detail: Detail, nowMs: number): string[] {
  const s = detail.session;
  return [
    ...fields([
      ['session', s.id],
      ['user', `${s.user}, account ${s.account}, target ${s.target}`],
      ['kind', detail.command === undefined ? s.kind : `${s.kind}: ${detail.command}`],
      ['from', `${s.source}, door ${s.door}`],
      ['started', showMoment(s.startedAt, nowMs)],
      ['last input', showMoment(s.lastInputAt, nowMs)],
      ['idle', `${showMoment(s.idleAt, nowMs)}, limit ${formatDuration(detail.idleMs)}`],
      ['deadline', `${showMoment(s.deadlineAt, nowMs)}, ${s.deadlineCause}`],
      ['commands', `${s.commands}, ${s.denied} denied`],
      ['gate', detail.gate],
      ['recording', s.recording],
    ]),
    '',
    ...processLines(detail, nowMs),
    '',
    ...table(
      ['ROLE', 'ON', 'UNTIL', 'VIA'],
      detail.roles.map((r) => [r.role, r.target, r.until ? showMoment(r.until, nowMs) : 'no end', r.via]),
      'no roles',
    ),
    '',
    ...table(
      ['RULE', 'EFFECT', 'ROLE', 'TARGET', 'COMMAND', 'WHEN'],
      detail.rules.map((r) => [r.id, r.effect, r.role, r.target, r.command, r.when]),
      'no rules',
    ),
    '',
    ...fields(Object.entries(detail.facts).map(([name, value]) => [name, JSON.stringify(value)])),
  ];
}

function addKill(program: Command): void {
  program
    .command('kill')
    .description('end a session, with every process it started')
    .argument('<session>', 'its id, or the beginning of it')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .action(async (id: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason: string }>();
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'kill', { id, reason: options.reason });
      show(options, reply, ({ effects }) => effectLines(effects));
    });
}
