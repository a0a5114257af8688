import type { Socket } from 'node:net';
import { SallyportError } from '../core/errors.js';
import { LIMIT_DEFAULTS } from './bounds.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { parseHostKey, type Ssh2HostKey } from './internals.js';
import type { Login, SshDoor, SshDoorOptions, SshHooks } from './types.js';

/** Serves SSH on sockets it is given. Throws SallyportError when the host key is unusable. */
export function createSshDoor<L extends Login>(options: SshDoorOptions, hooks: SshHooks<L>): SshDoor {
  const hostKey = usableHostKey(options.hostKey);
  const live = new Set<Connection<L>>();
  let closed = false;

  const shared: Omit<ConnectionOptions<L>, 'gone'> = {
    hostKey,
    clock: options.clock,
    limits: { ...LIMIT_DEFAULTS, ...options.limits },
    envAllow: options.envAllow,
    hooks,
  };

  return {
    accept(socket: Socket, info) {
      socket.setNoDelay(true);
      const connection = new Connection<L>(socket, info.id, info.ip, info.port, {
        ...shared,
        gone: () => live.delete(connection),
      });
      live.add(connection);
      if (closed) connection.destroy();
    },
    disconnect(id, reason) {
      for (const connection of live) if (connection.id === id) connection.disconnect(reason);
    },
    close() {
      closed = true;
      for (const connection of [...live]) connection.destroy();
    },
    connections: () => live.size,
  };
}

function usableHostKey(pem: string): Ssh2HostKey {
  const key = parseHostKey(pem);
  if (key?.type === 'ssh-ed25519') return key;
  throw new SallyportError(
    'failed',
    'the host key is not an ed25519 private key without passphrase; restore it from a backup',
  );
}
