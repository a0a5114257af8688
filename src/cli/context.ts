import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { formatDuration } from '../core/duration.js';
import { effectLines } from './effects.js';
import { parseChanges } from './facts.js';
import { readInput } from './input.js';
import { now } from './now.js';
import { type Globals, show } from './output.js';
import { table } from './table.js';
import { parseSpan, type SpanOptions, showMoment } from './when.js';

type FactView = Reply<'context.show'>['facts'][number];

export function addContext(program: Command): void {
  const context = program.command('context').description('live facts that conditions speak of');
  addShow(context);
  addSet(context);
  addPush(context);
}

function addShow(context: Command): void {
  context
    .command('show')
    .description('what is known of a user or a live session, from whom, and how old it is')
    .argument('<user-or-session>', "a user, or a live session's id or the beginning of it")
    .action(async (of: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const reply = await ask(globals, 'context.show', { of });
      const nowMs = now();
      const header = ['FACT', 'VALUE', 'FROM', 'AGE', 'STATE'];
      show(globals, reply, ({ facts }) =>
        table(
          header,
          facts.map((fact) => factRow(fact, nowMs)),
          'nothing is known',
        ),
      );
    });
}

function factRow({ name, value, source, at, until, state, note }: FactView, nowMs: number): string[] {
  const age = at === undefined ? '' : formatDuration(nowMs - Date.parse(at));
  const end = until === undefined ? '' : `until ${showMoment(until, nowMs)}`;
  const said = [state, end, note].filter(Boolean).join(', ');
  return [name, value === undefined ? '-' : shown(value), source ?? '-', age, said];
}

const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function addSet(context: Command): void {
  context
    .command('set')
    .description('set facts by hand; felt in live sessions at once. Nothing after the = unsets one')
    .argument('<user>', "a user, or the fingerprint of a key for facts of its holder's device")
    .argument('<key=value...>', 'risk.score=80, device.managed=true; "80" in quotes is text')
    .option('--for <duration>', 'how long, from now; without it until unset')
    .option('--until <time>', 'until when')
    .action(async (subject: string, words: string[], _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & SpanOptions>();
      const facts = parseChanges('context set', words, 'risk.score=80');
      const span = parseSpan(options);
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'context.set', { changes: [{ subject, facts }], ...span });
      const until = reply.until === undefined ? '' : ` until ${showMoment(reply.until, now())}`;
      show(options, reply, ({ effects }) => [
        ...Object.entries(facts).map(([name, value]) =>
          value === null ? `${subject}: ${name} is not set any more` : `${subject}: ${name} is ${shown(value)}${until}`,
        ),
        ...effectLines(effects),
      ]);
    });
}

function addPush(context: Command): void {
  context
    .command('push')
    .description('what a feed declared with push: true tells now')
    .argument('<feed>')
    .argument('<file>', 'JSON or YAML, as context.feeds in sallyport.yaml describes it; - is standard input')
    .option('--some', 'of those named alone: what was told of others stays')
    .action(async (feed: string, file: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { some?: boolean }>();
      const { readEveryone } = await import('../feeds/document.js');
      const subjects = readEveryone(readInput('FILE', file));
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'context.push', { feed, subjects, whole: options.some !== true });
      if (reply.refused !== undefined) process.stderr.write(`sallyport: warning: not taken: ${reply.refused}\n`);
      show(options, reply, ({ effects }) => effectLines(effects));
    });
}
