import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { inputName, readInput } from './input.js';
import { type Globals, show } from './output.js';
import { problemLines } from './problems.js';

type Diff = Reply<'policy.diff'>;
type Changes = Pick<Diff['users'][number], 'gains' | 'loses'>;

export function addDiff(policy: Command): void {
  policy
    .command('diff')
    .description('which users and live sessions would gain or lose what under the rules of a file')
    .argument('<file>', 'a policy.csv that is not in force; - is standard input')
    .action(async (file: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const reply = await ask(globals, 'policy.diff', { text: read(file), file: inputName(file) });
      show(globals, reply, diffLines);
      if (!reply.ok) process.exitCode = 1;
    });
}

function read(file: string): string {
  const text = readInput('FILE', file);
  if (text.length > 1_900_000)
    throw new SallyportError(
      'failed',
      `${inputName(file)}: is larger than 1.9 MB, more than a broker takes to compare`,
    );
  return text;
}

function diffLines({ ok, problems, users, sessions, more }: Diff): string[] {
  const lines = problemLines(problems);
  if (!ok) return [...lines, 'these rules are not usable: the broker would refuse them'];
  for (const one of users) lines.push(`${escapeText(`${one.user} on ${one.target}`)}:`, ...changeLines(one));
  for (const one of sessions) {
    const fate = one.ends ? 'would end: @session would not hold' : 'would go on with other rights';
    lines.push(`session ${escapeText(`${one.id} (${one.user} on ${one.target})`)} ${fate}`);
  }
  if (more > 0) lines.push(`and ${more} more`);
  if (users.length + sessions.length === 0) lines.push('no user and no live session would gain or lose anything');
  return lines;
}

function changeLines({ gains, loses }: Changes): string[] {
  return [...gains.map((rule) => `  + ${ruleText(rule)}`), ...loses.map((rule) => `  - ${ruleText(rule)}`)];
}

function ruleText({ change, id, effect, command, when, children, file, line }: Changes['gains'][number]): string {
  const condition = when === 'true' ? '' : ` when ${when}`;
  const place = `${id}, ${change === 'new' ? `${file}:${line}` : 'in force now'}`;
  const word = effect === 'allow' && children !== 'checked' ? `, children ${children}` : '';
  return escapeText(`${change === 'gone' ? 'no longer ' : ''}${effect} ${command}${condition}${word} (${place})`, 400);
}
