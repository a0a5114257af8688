/** Administration over ssh: which commands of `ssh USER@BASTION COMMAND` are this program's own. */
import { plainWords } from '../command/index.js';
import { meansOwn } from '../core/names.js';

/**
 * The words after `sallyport` of such a command; undefined where it is a command like any other: of another name, or one a
 * shell would have more to do with than to take words apart.
 */
export function administrationWords(command: string | undefined): string[] | undefined {
  if (command === undefined || !meansOwn(command)) return undefined;
  return plainWords(command)?.slice(1);
}
