import type { Command } from 'commander';
import type { Reply } from '../control/admin-port.js';
import { parseFacts } from './facts.js';
import { type Globals, show } from './output.js';
import { homeOf, isOverSsh } from './place.js';
import { addCases } from './policy-cases.js';
import { addDiff } from './policy-diff.js';
import { problemLines } from './problems.js';

export function addPolicy(program: Command): void {
  const policy = program.command('policy').description('the rules');
  policy
    .command('check')
    .description('parse, type-check and lint model, rules and conditions')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const reply = isOverSsh() ? await askCheck(globals) : await checkHere(globals);
      show(globals, reply, checkLines);
      if (!reply.ok) process.exitCode = 1;
    });
  addCases(policy);
  addDiff(policy);
  addExplain(program);
}

async function checkHere(globals: Globals) {
  const { checkFiles } = await import('../control/policy-operations.js');
  return await checkFiles(homeOf(globals));
}

async function askCheck(globals: Globals) {
  const { ask } = await import('./ask.js');
  return await ask(globals, 'policy.check', {});
}

function checkLines(reply: Reply<'policy.check'>): string[] {
  const verdict = reply.ok
    ? `policy is good: ${reply.rules} rules`
    : 'policy is not usable: the broker would refuse it';
  return [...problemLines(reply.problems), verdict];
}

interface ExplainOptions extends Globals {
  session?: string;
  fact?: string[];
}

function addExplain(program: Command): void {
  program
    .command('explain')
    .description('allow or deny, the rule that decided, rules that were near, and what would change it')
    .argument('<user>')
    .argument('<target>')
    .argument('<command...>', 'after --: one argument is a line of shell, several are an argv')
    .option('--session <id>', 'with the facts and rights of this live session')
    .option('--fact <key=value>', 'with this fact, e.g. risk.score=80; may be repeated', collect)
    .action(async (user: string, target: string, words: string[], _o: object, command: Command) => {
      const options = command.optsWithGlobals<ExplainOptions>();
      const { ask } = await import('./ask.js');
      const { session, fact } = options;
      const scene = { ...(session !== undefined && { session }), ...(fact && { facts: parseFacts('--fact', fact) }) };
      const reply = await ask(options, 'explain', { user, target, words, ...scene });
      show(options, reply, ({ text }) => text.split('\n'));
      if (!reply.allow) process.exitCode = 4;
    });
}

const collect = (value: string, before: string[] = []) => [...before, value];
