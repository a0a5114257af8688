import type { Socket } from 'node:net';

interface Handle {
  close(): void;
}

/**
 * Clients given to a door that has not said it has them. Node sends one socket at a time, keeps the one it has sent
 * until the other end acknowledges it, and drops them all, open, when the other end is gone: they would wait for ever.
 */
export interface Given {
  add(socket: Socket): { sent(): void };
  close(): void;
}

export function createGiven(): Given {
  const unsent = new Set<Handle>();
  let last: Handle | undefined;
  return {
    add(socket) {
      const handle = (socket as unknown as { _handle?: Handle | null })._handle;
      if (handle) unsent.add(handle);
      return {
        sent() {
          if (!handle) return;
          unsent.delete(handle);
          last = handle;
        },
      };
    },
    close() {
      last?.close();
      for (const handle of unsent) handle.close();
    },
  };
}
