import type { Command } from 'commander';
import type { CasesReply } from '../control/policy-cases.js';
import { systemClock } from '../core/clock.js';
import { escapeText } from '../core/escape.js';
import { type Globals, show } from './output.js';

export function addCases(policy: Command): void {
  policy
    .command('test')
    .description('play a table of cases against the policy; exits 1 on a difference')
    .argument(
      '<file>',
      'YAML: a list of cases with user, roles, target, run, at, facts, expect, by, children, remedies, missing',
    )
    .action(async (file: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { homeOf } = await import('./place.js');
      const { testPolicy } = await import('../control/policy-cases.js');
      const reply = await testPolicy(homeOf(globals), file, systemClock());
      show(globals, reply, (r) => caseLines(file, r));
      if (reply.failed > 0) process.exitCode = 1;
    });
}

function caseLines(file: string, { cases, passed, failed }: CasesReply): string[] {
  const wrong = cases.filter(({ ok }) => !ok);
  const lines = wrong.map(({ line, name, expected, got }) =>
    escapeText(`${file}:${line}: ${name}: expected ${expected}, got ${got}`, 600),
  );
  return [...lines, `${passed} passed, ${failed} failed`];
}
