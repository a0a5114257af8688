import type { Command } from 'commander';
import { type Globals, show } from './output.js';

interface InitOptions extends Globals {
  listen?: string;
  user?: string;
  key?: string;
  account?: string;
}

export function addInit(program: Command): void {
  program
    .command('init')
    .description('make a home: configuration, policies, host key, signing key; never overwrites')
    .option('--listen <host:port>', 'where engineers connect (default: 127.0.0.1:2222)')
    .option('--user <name>', 'the first user, with the roles admin and engineer of the shipped policy')
    .option('--key <file>', "that user's OpenSSH public key file")
    .option('--account <account>', "the OS account of that user's shells (default: the one of the same name)")
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<InitOptions>();
      const { makeHome } = await import('./make-home.js');
      show(options, await makeHome(options), ({ home, fingerprint, user }) => [
        `made ${home}`,
        `host key ${fingerprint}`,
        ...(user === undefined ? [] : [`user ${user.name} has the roles ${user.roles.join(' and ')}`]),
        `start it: sallyport --home ${home} serve`,
      ]);
    });
}
