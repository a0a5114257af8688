import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { formatDuration } from '../core/duration.js';
import { showSize } from '../core/size.js';
import { effectLines } from './effects.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { problemLines } from './problems.js';
import { sessionTable } from './sessions.js';
import { fields, table } from './table.js';
import { showMoment } from './when.js';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('version, uptime, doors, live sessions, policy, store health')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      show(globals, await ask(globals, 'status', {}), statusLines);
    });
  program
    .command('reload')
    .description('read the policy again, as SIGHUP does; a bad one is refused and the last good one stays')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const reply = await ask(globals, 'reload', {});
      show(globals, reply, reloadLines);
      if (!reply.ok) process.exitCode = 1;
    });
}

function reloadLines(reply: Reply<'reload'>): string[] {
  const inForce = `policy ${reply.digest.slice(0, 12)} is in force`;
  const verdict = reply.changed ? inForce : 'nothing changed';
  return [
    ...problemLines(reply.problems),
    reply.ok ? verdict : `refused; ${inForce} as before`,
    ...effectLines(reply.effects),
  ];
}

type Status = Extract<Reply<'status'>, { doors: unknown }>;
type OwnStatus = Exclude<Reply<'status'>, Status>;

const statusLines = (s: Reply<'status'>) => ('doors' in s ? wholeStatus(s) : ownStatus(s));

function ownStatus(s: OwnStatus): string[] {
  return [
    ...fields([
      ['user', s.user],
      ['version', s.version],
      ['broker', `up ${formatDuration(s.uptimeMs ?? 0)}`],
      ['gate', s.gate],
      ['locked', s.locked ? 'yes' : undefined],
      ['grants', `${s.grants} in force`],
      ['requests', s.requests === 0 ? undefined : `${s.requests} of yours wait`],
    ]),
    '',
    ...sessionTable(s.sessions),
  ];
}

function wholeStatus(s: Status): string[] {
  const nowMs = now();
  return [
    ...fields([
      ['version', s.version],
      ['home', s.home],
      ['broker', `pid ${s.pid ?? '?'}, up ${formatDuration(s.uptimeMs ?? 0)}`],
      ['listening', s.listen],
      ['isolation', s.isolation],
      ['gate', s.gate],
      ['limits', s.limits],
      ['sessions', String(s.sessions)],
      ['requests', waiting(s.requests)],
      ['policy', `${s.policy.digest.slice(0, 12)}, ${s.policy.rules} rules`],
      ['authority', `version ${s.authorityVersion}`],
      [
        'store',
        health(
          s.store.healthy,
          `${s.store.users} users, ${s.store.grants} grants, ${s.store.locks} locks in force${s.store.detail ? `; last write failed: ${s.store.detail}` : ''}`,
        ),
      ],
      ['audit', health(s.audit.healthy, room(s.audit))],
    ]),
    '',
    ...table(
      ['DOOR', 'STATE', 'DOOR PID', 'GUARD PID', 'SESSIONS', 'CONNECTIONS', 'RESTARTS', 'SINCE'],
      s.doors.map((d) => [
        String(d.door),
        d.state,
        String(d.doorPid ?? '-'),
        String(d.guardPid ?? '-'),
        String(d.sessions),
        String(d.connections),
        String(d.restarts),
        showMoment(d.startedAt, nowMs),
      ]),
      'no doors',
    ),
    ...feedLines(s.feeds, nowMs),
    ...hookLines(s.hooks, nowMs),
  ];
}

function waiting({ access, command }: Status['requests']): string {
  if (access + command === 0) return 'none wait';
  return `${access + command} wait: ${access} for a role, ${command} for a command`;
}

function health(healthy: boolean, detail?: string): string {
  return [healthy ? 'healthy' : 'NOT HEALTHY', detail].filter(Boolean).join(', ');
}

/** The log grows for ever, so what is left for it belongs beside its health. */
function room({ bytes, freeBytes, little }: Status['audit']): string | undefined {
  if (bytes === undefined || freeBytes === undefined) return undefined;
  const left = `${showSize(bytes)}, ${showSize(freeBytes)} free`;
  return little ? `${left}: LITTLE ROOM, make some` : left;
}

/** Nothing where no feed is declared. */
function feedLines(feeds: Status['feeds'], nowMs: number): string[] {
  if (feeds.length === 0) return [];
  const rows = feeds.map((f) => {
    const wrong = [
      f.error && `failed ${showMoment(f.errorAt, nowMs)}: ${f.error}`,
      f.refused && `not taken: ${f.refused}`,
    ];
    const took = f.tookMs === undefined ? '-' : `${f.tookMs} ms`;
    return [
      f.feed,
      f.kind,
      f.state,
      showMoment(f.okAt, nowMs),
      took,
      String(f.subjects),
      wrong.filter(Boolean).join('; '),
    ];
  });
  return ['', ...table(['FEED', 'KIND', 'STATE', 'LAST', 'TOOK', 'SUBJECTS', 'PROBLEM'], rows, '')];
}

/** Nothing where no hook is declared. */
function hookLines(hooks: Status['hooks'], nowMs: number): string[] {
  if (hooks.length === 0) return [];
  const rows = hooks.map((h) => [
    h.hook,
    h.to,
    h.state,
    showMoment(h.okAt, nowMs),
    ...[h.waiting, h.delivered, h.failed, h.dropped].map(String),
    h.error ? `failed ${showMoment(h.errorAt, nowMs)}: ${h.error}` : '',
  ]);
  const head = ['HOOK', 'TO', 'STATE', 'LAST', 'WAITING', 'DELIVERED', 'FAILED', 'DROPPED', 'PROBLEM'];
  return ['', ...table(head, rows, '')];
}
