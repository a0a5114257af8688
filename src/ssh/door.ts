import type { Login, SshDoor, SshDoorOptions, SshHooks } from './types.js';

/** Serves SSH on sockets it is given. Throws SallyportError when the host key is unusable. */
export function createSshDoor<L extends Login>(_options: SshDoorOptions, _hooks: SshHooks<L>): SshDoor {
  throw new Error('not yet');
}
