import type { Command } from 'commander';
import { publicKeysIn, readPublicKeyFile } from '../authority/key-file.js';
import type { Reply } from '../control/admin-port.js';
import { effectLines } from './effects.js';
import { addFactors } from './factors.js';
import { parseChanges } from './facts.js';
import { inputName, readInput, refuseFile } from './input.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { fields, table } from './table.js';
import { parseSpan, type SpanOptions, showMoment } from './when.js';

type UserView = Reply<'user.show'>['user'];

export function addUsers(program: Command): void {
  const user = program.command('user').description('people and their keys');
  addAdd(user);
  addList(user);
  addShow(user);
  addLabel(user);
  addRemove(user);
  addKeys(user);
  addFactors(user);
}

interface AddOptions extends Globals {
  key?: string[];
  account?: string;
  role?: string[];
  reason?: string;
}

/** The lines of a key file. */
function keysIn(file: string): string[] {
  if (file === '-') return publicKeysIn(readInput('--key FILE', file), inputName(file));
  refuseFile('--key FILE', file);
  return readPublicKeyFile(file);
}

const collect = (value: string, before: string[] = []) => [...before, value];

function addAdd(user: Command): void {
  user
    .command('add')
    .description('let a person in')
    .argument('<name>')
    .requiredOption('--key <file>', 'an OpenSSH public key file, - for standard input; may be repeated', collect)
    .option('--account <account>', 'the OS account of their shells (default: the one of the same name)')
    .option('--role <role>', 'a grant without end on every target; may be repeated', collect)
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async (name: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<AddOptions>();
      const keys = (options.key ?? []).flatMap(keysIn);
      const { account, role: roles = [], reason } = options;
      const { ask } = await import('./ask.js');
      const request = { name, keys, roles, ...(account && { account }), ...(reason && { reason }) };
      const reply = await ask(options, 'user.add', request);
      show(options, reply, ({ user: made, effects }) => [...userLines(made), ...effectLines(effects)]);
    });
}

function addList(user: Command): void {
  user
    .command('list')
    .description('everyone')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const { users } = await ask(globals, 'user.list', {});
      show(globals, users, (list) => table(['USER', 'ACCOUNT', 'KEYS', 'ROLES', ''], list.map(userRow), 'no users'));
    });
}

function userRow(u: UserView): string[] {
  return [u.name, u.account ?? '-', String(u.keys.length), allRoles(u).join(' ') || '-', u.locked ? 'locked' : ''];
}

const allRoles = (u: UserView) => [...new Set([...u.roles, ...u.grants.map((g) => g.role)])];

function addShow(user: Command): void {
  user
    .command('show')
    .description('one user: keys, roles, grants')
    .argument('<name>')
    .action(async (name: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      show(globals, (await ask(globals, 'user.show', { name })).user, userLines);
    });
}

function userLines(u: UserView): string[] {
  const nowMs = now();
  const keyEnd = (expiresAt: string | undefined) =>
    expiresAt === undefined ? '' : `, ends ${showMoment(expiresAt, nowMs)}`;
  return fields([
    ['user', u.name],
    ['account', u.account],
    ['since', showMoment(u.createdAt, nowMs)],
    ['locked', u.locked ? 'yes' : undefined],
    ['mfa', u.mfa && `since ${showMoment(u.mfa.enrolledAt, nowMs)}, ${u.mfa.recoveryCodes} recovery codes left`],
    ...Object.entries(u.labels).map(([name, value]) => ['label', `${name} ${JSON.stringify(value)}`] as const),
    ...u.keys.map((k) => ['key', `${k.fp} ${k.type} ${k.comment}${keyEnd(k.expiresAt)}`] as const),
    ...u.roles.map((role) => ['role', `${role} (policy)`] as const),
    ...u.grants.map(
      (g) =>
        [
          'grant',
          `${g.id} ${g.role} on ${g.target}, until ${g.until ? showMoment(g.until, nowMs) : 'revoked'}`,
        ] as const,
    ),
  ]);
}

function addLabel(user: Command): void {
  user
    .command('label')
    .description('label a user: conditions read it as user.KEY. Nothing after the = takes a label away')
    .argument('<name>')
    .argument('<key=value...>', 'of labels declared under labels.user; "80" in quotes is text')
    .action(async (name: string, words: string[], _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals>();
      const labels = parseChanges('user label', words, 'team=blue');
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'user.label', { name, labels });
      show(options, reply, ({ user: labelled, effects }) => [...userLines(labelled), ...effectLines(effects)]);
    });
}

function addRemove(user: Command): void {
  user
    .command('remove')
    .description('remove a user; ends their sessions')
    .argument('<name>')
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async (name: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason?: string }>();
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'user.remove', { name, ...(options.reason && { reason: options.reason }) });
      show(options, reply, ({ effects }) => [`removed ${name}`, ...effectLines(effects)]);
    });
}

function addKeys(user: Command): void {
  const key = user.command('key').description("a user's keys");
  key
    .command('add')
    .argument('<name>')
    .requiredOption('--key <file>', 'an OpenSSH public key file, - for standard input')
    .option('--for <duration>', 'good for this long')
    .option('--until <time>', 'good until then')
    .action(async (name: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & SpanOptions & { key: string }>();
      const [line = ''] = keysIn(options.key);
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'user.key-add', { name, key: line, ...parseSpan(options) });
      show(options, reply, (r) => [`added ${r.key.fp} ${r.key.type} to ${name}`]);
    });
  key
    .command('remove')
    .argument('<name>')
    .argument('<fingerprint>', 'SHA256:… as `user show` prints it')
    .action(async (name: string, fp: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'user.key-remove', { name, fp });
      show(options, reply, (r) => [`removed ${r.fp} from ${name}`, ...effectLines(r.effects)]);
    });
}
