import type { Command } from 'commander';
import { SallyportError } from '../core/errors.js';
import { effectLines } from './effects.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { approvedLines, type RequestView, requestLines, requestTable } from './requests-shown.js';
import { parseLength, showMoment } from './when.js';

export function addRequests(program: Command): void {
  addRequest(program);
  addList(program);
  addApprove(program);
  addRefuse(program);
}

interface RequestOptions extends Globals {
  role?: string;
  target: string;
  for?: string;
  reason?: string;
  withdraw?: string;
}

function addRequest(program: Command): void {
  program
    .command('request')
    .description('ask for a role for a time; others approve or refuse')
    .option('--role <role>', 'a role of the policy')
    .option('--target <pattern>', 'on which targets', '*')
    .option('--for <duration>', 'how long, from the approval on: 1h, 30m')
    .option('--reason <text>', 'why; those who decide read it')
    .option('--withdraw <id>', 'take one of your own back')
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<RequestOptions>();
      await (options.withdraw === undefined ? askFor(options) : withdraw(options, options.withdraw));
    });
}

async function askFor(options: RequestOptions): Promise<void> {
  const { role, target, reason } = options;
  if (role === undefined || options.for === undefined || reason === undefined)
    throw new SallyportError('usage', 'request: give --role ROLE, --for 1h and --reason TEXT, or --withdraw ID');
  const forMs = parseLength('--for', options.for);
  const { ask } = await import('./ask.js');
  const { request } = await ask(options, 'request', { role, target, forMs, reason });
  show(options, request, (r) => [
    r.id,
    `asked for role ${role} on ${target}; somebody must approve it until ${showMoment(r.expiresAt, now())}`,
  ]);
}

async function withdraw(options: RequestOptions, id: string): Promise<void> {
  if (options.role !== undefined || options.for !== undefined || options.reason !== undefined)
    throw new SallyportError('usage', 'request: --withdraw ID stands alone');
  const { ask } = await import('./ask.js');
  const { request } = await ask(options, 'request.withdraw', { id });
  show(options, request, (r) => [`withdrew ${r.id}`]);
}

function addList(program: Command): void {
  program
    .command('requests')
    .description('who waits for a role or for a yes to a command; whole with an id')
    .argument('[id]', "a request's id, or the beginning of it")
    .option('--all', 'decided and expired ones too')
    .action(async (id: string | undefined, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { all?: boolean }>();
      const { ask } = await import('./ask.js');
      const { requests } = await ask(options, 'requests', { all: id !== undefined || (options.all ?? false) });
      const nowMs = now();
      if (id === undefined) show(options, requests, (list) => requestTable(list, options.all ?? false, nowMs));
      else show(options, oneOf(requests, id), (r) => requestLines(r, nowMs));
    });
}

function oneOf(requests: readonly RequestView[], prefix: string): RequestView {
  const found = requests.filter((r) => r.id.startsWith(prefix));
  const [first] = found;
  if (first === undefined) throw new SallyportError('not-found', `no request ${prefix}`);
  if (found.length > 1 && first.id !== prefix)
    throw new SallyportError('usage', `${prefix} could be ${found.length} requests: give more of the id`);
  return first;
}

function addApprove(program: Command): void {
  program
    .command('approve')
    .description('say yes to a request: the role is granted, the held command goes on; never your own')
    .argument('<id>', "the request's id, or the beginning of it")
    .option('--reason <text>', 'kept in the audit log')
    .action(async (id: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason?: string }>();
      const { ask } = await import('./ask.js');
      const { reason } = options;
      const reply = await ask(options, 'approve', { id, ...(reason !== undefined && { reason }) });
      show(options, reply, (r) => [...approvedLines(r, now()), ...effectLines(r.effects)]);
    });
}

function addRefuse(program: Command): void {
  program
    .command('refuse')
    .description('say no to a request')
    .argument('<id>', "the request's id, or the beginning of it")
    .requiredOption('--reason <text>', 'why; who asked reads it')
    .action(async (id: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason: string }>();
      const { ask } = await import('./ask.js');
      const { request } = await ask(options, 'refuse', { id, reason: options.reason });
      show(options, request, (r) => [`refused ${r.id} of ${r.user}`]);
    });
}
