import type { Command } from 'commander';
import type { Reply, Request } from '../control/admin-port.js';
import { SallyportError } from '../core/errors.js';
import { effectLines } from './effects.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { table } from './table.js';
import { parseSpan, type SpanOptions, showMoment } from './when.js';

type LockView = Reply<'lock'>['lock'];

export function addLocks(program: Command): void {
  addLock(program);
  addUnlock(program);
  addList(program);
}

interface LockOptions extends Globals, SpanOptions {
  user?: string;
  key?: string;
  target?: string;
  everyone?: boolean;
  reason: string;
}

function addLock(program: Command): void {
  program
    .command('lock')
    .description('refuse a user, a key, a target or everyone from now on; ends their live sessions at once')
    .option('--user <user>')
    .option('--key <fingerprint>', 'SHA256:… as `user show` prints it')
    .option('--target <target>')
    .option('--everyone')
    .option('--for <duration>', 'how long, from now; without it until unlocked')
    .option('--until <time>', 'until when')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<LockOptions>();
      const request = { ...subjectOf(options), ...parseSpan(options), reason: options.reason };
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'lock', request);
      show(options, reply, ({ lock, effects }) => [lock.id, `locked ${whom(lock)}`, ...effectLines(effects)]);
    });
}

function subjectOf(options: LockOptions): Pick<Request<'lock'>, 'kind' | 'subject'> {
  const named = (['user', 'key', 'target'] as const).flatMap((kind) => {
    const subject = options[kind];
    return subject === undefined ? [] : [{ kind, subject }];
  });
  const [first] = named;
  if (named.length + (options.everyone ? 1 : 0) !== 1)
    throw new SallyportError('usage', 'lock: name one of --user, --key, --target, --everyone');
  return first ?? { kind: 'everyone' };
}

function addUnlock(program: Command): void {
  program
    .command('unlock')
    .description('lift a lock')
    .argument('<id>', "the lock's id, or the beginning of it")
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async (id: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason?: string }>();
      const { ask } = await import('./ask.js');
      const { reason } = options;
      const reply = await ask(options, 'unlock', { id, ...(reason !== undefined && { reason }) });
      show(options, reply, ({ lock, effects }) => [`unlocked ${whom(lock)}`, ...effectLines(effects)]);
    });
}

function addList(program: Command): void {
  program
    .command('locks')
    .description('what is locked, why, by whom')
    .option('--all', 'lifted and ended ones too')
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { all?: boolean }>();
      const { ask } = await import('./ask.js');
      const { locks } = await ask(options, 'locks', { all: options.all ?? false });
      const nowMs = now();
      const header = ['LOCK', 'WHOM', 'SINCE', 'UNTIL', 'BY', 'REASON'];
      show(options, locks, (list) =>
        table(
          header,
          list.map((lock) => lockRow(lock, nowMs)),
          'no locks',
        ),
      );
    });
}

function lockRow(lock: LockView, nowMs: number): string[] {
  const lifted = lock.liftedAt && `lifted ${showMoment(lock.liftedAt, nowMs)}`;
  const until = lifted ?? (lock.until === undefined ? 'unlocked' : showMoment(lock.until, nowMs));
  return [lock.id, whom(lock), showMoment(lock.from, nowMs), until, lock.by, lock.reason];
}

const whom = (lock: LockView) => (lock.subject === undefined ? 'everyone' : `${lock.kind} ${lock.subject}`);
