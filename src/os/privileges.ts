import { dieWithParent, setDumpable, setNoNewPrivs } from './process.js';

export interface Account {
  uid: number;
  gid: number;
}

/**
 * Becomes the unprivileged account for good, before anything was read from the network. All code is loaded by then:
 * the account need not be able to read the program's files. Throws when any step does not take.
 */
export function dropPrivileges(parent: number, account: Account | undefined): void {
  if (account) {
    process.setgroups?.([]);
    process.setgid?.(account.gid);
    process.setuid?.(account.uid);
    if (process.getuid?.() !== account.uid || process.geteuid?.() !== account.uid || canReturnToRoot())
      throw new Error('the process could not give up its privileges');
  }
  setNoNewPrivs();
  setDumpable(false);
  // A change of uid clears the parent-death signal, hence last.
  dieWithParent(parent);
}

function canReturnToRoot(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}
