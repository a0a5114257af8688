import type { Command } from 'commander';
import { type Globals, show } from './output.js';
import { table } from './table.js';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what this machine offers, what is missing, and how to get it')
    .action(async (_o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { examine } = await import('./examine.js');
      const report = await examine();
      show(globals, report, ({ checks, install }) => [
        ...table(
          ['', 'WHAT', 'FOUND'],
          checks.map((c) => [c.state, c.what, c.found]),
          '',
        ),
        ...(install === undefined ? [] : ['', `to install what is missing: ${install}`]),
      ]);
      if (report.checks.some((c) => c.state === 'missing')) process.exitCode = 1;
    });
}
