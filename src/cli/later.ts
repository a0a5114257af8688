/** Commands of the interface that this version does not have yet. */
import type { Command } from 'commander';
import { SallyportError } from '../core/errors.js';
import { pathOf } from './over-ssh.js';

const LATER: readonly (readonly [name: string, what: string])[] = [
  ['verify', 'prove a recording whole'],
  ['export', 'write a recording as cast, txt or html'],
  ['web', 'the console'],
  ['ca', 'certificate authority'],
  ['sign', 'sign a certificate'],
];

export function addLater(program: Command): void {
  for (const [name, what] of LATER) addMissing(program, name, what);
}

/** A command that takes any arguments, and only says that it is not there yet. */
export function addMissing(parent: Command, name: string, what: string): void {
  parent
    .command(name)
    .description(`${what} (not in this version)`)
    .argument('[args...]')
    .allowUnknownOption()
    .action((_args: string[], _o: object, command: Command) => {
      throw notYet(pathOf(command));
    });
}

export function notYet(what: string): SallyportError {
  return new SallyportError('failed', `${what}: not in this version of sallyport yet`);
}
