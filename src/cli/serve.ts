import type { Command } from 'commander';
import type { Globals } from './output.js';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the broker in the foreground; SIGHUP reloads, SIGTERM drains')
    .action(async (_options: object, command: Command) => {
      const { homeOf } = await import('./place.js');
      const home = homeOf(command.optsWithGlobals<Globals>());
      const { runKeeper } = await import('../keeper/main.js');
      process.exitCode = await runKeeper({ home });
    });
}
