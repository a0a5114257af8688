/** What is different when this program is `ssh USER@BASTION sallyport …`. */
import type { Command } from 'commander';
import { SallyportError } from '../core/errors.js';
import type { Globals } from './output.js';
import { isOverSsh } from './place.js';

const SECRET = 'and what a session shows is recorded';

/** Commands that are for the bastion itself, and why. */
const LOCAL: Readonly<Record<string, string>> = {
  init: 'it makes a home',
  serve: 'it is the broker',
  doctor: 'it looks at the machine',
  backup: `it holds secret keys, ${SECRET}`,
  restore: 'it reads a file there, with no broker running',
  'policy test': 'it reads files there',
  'user mfa enroll': `it shows a secret, ${SECRET}`,
};

/** Throws `usage` for what is only done on the bastion itself. */
export function refuseOverSsh(command: Command): void {
  if (!isOverSsh()) return;
  const name = pathOf(command);
  const why = LOCAL[name];
  if (why !== undefined) throw new SallyportError('usage', `${name}: not over ssh: ${why}; run it on the bastion`);
  if (command.optsWithGlobals<Globals>().home !== undefined)
    throw new SallyportError('usage', '--home: not over ssh: the broker you are connected to is the one that is asked');
}

/** `user mfa enroll`: the words after `sallyport` that name a command. */
export function pathOf(command: Command): string {
  const above = command.parent?.parent ? `${pathOf(command.parent)} ` : '';
  return above + command.name();
}

/**
 * ssh joins the words of its command line with blanks, so that `--reason "the disk is full"` comes as five words. What
 * follows --reason up to the next option is taken for one; undefined where nothing changes.
 */
export function rejoined(argv: readonly string[]): string[] | undefined {
  const at = argv.indexOf('--reason');
  if (at === -1 || !isOverSsh()) return undefined;
  const length = argv.slice(at + 1).findIndex((word) => word.startsWith('--'));
  const to = length === -1 ? argv.length : at + 1 + length;
  if (to - at <= 2) return undefined;
  return [...argv.slice(0, at + 1), argv.slice(at + 1, to).join(' '), ...argv.slice(to)];
}
