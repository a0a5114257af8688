import type { Command } from 'commander';
import { clock } from './now.js';
import type { Globals } from './output.js';

interface WatchCommand extends Globals {
  once?: boolean;
}

export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('a live session, read-only, from its current screen; q leaves')
    .argument('<session>', 'its id, or the beginning of it')
    .option('--once', 'print the screen as it is now, as text')
    .action(async (id: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<WatchCommand>();
      const { placeOf } = await import('./place.js');
      const { watchSession } = await import('./watch-run.js');
      await watchSession(placeOf(options), id, { json: options.json ?? false, once: options.once ?? false, clock });
    });
}
