import type { Command } from 'commander';
import { type Globals, show } from './output.js';

export function addBackup(program: Command): void {
  program
    .command('backup')
    .description('the store and keys in one new file; also while the broker runs')
    .argument('<file>', 'it will hold secret keys')
    .action(async (file: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { ask } = await import('./ask.js');
      const { writeBackup } = await import('../store/index.js');
      const { text, users, grants } = await ask(globals, 'backup', {});
      await writeBackup(text, file);
      show(globals, { file, users, grants }, () => [`wrote ${file}: ${users} users, ${grants} grants, and the keys`]);
    });
  program
    .command('restore')
    .description('put the store and keys of a backup into a home; refuses a live one')
    .argument('<file>')
    .action(async (file: string, _o: object, command: Command) => {
      const globals = command.optsWithGlobals<Globals>();
      const { homeOf } = await import('./place.js');
      const { restoreInto } = await import('../control/offline.js');
      const home = homeOf(globals);
      const { users, grants } = await restoreInto(home, file);
      show(globals, { home, users, grants }, () => [
        `restored ${home}: ${users} users, ${grants} grants, and the keys`,
      ]);
    });
}
