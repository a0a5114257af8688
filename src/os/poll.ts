import koffi from 'koffi';

/** Waits on a descriptor through the event loop, reading and writing nothing itself. */
export interface Watch {
  /** Replaces what is waited for; neither: sleeps. */
  want(readable: boolean, writable: boolean): void;
  /** Call before the descriptor is closed. Idempotent. */
  close(): void;
}

interface Wanted {
  readable: boolean;
  writable: boolean;
}

/** As it is: the type koffi declares leaves the status out. */
type OnEvents = (status: number, events: Wanted) => void;
interface Handle {
  start(wanted: Wanted, use: OnEvents): void;
  stop(): void;
  close(): void;
}
const poll = koffi.node.poll as unknown as (fd: number, wanted: Wanted, use: OnEvents) => Handle;

/**
 * `onReady` is called, level-triggered, while what is wanted holds. A hang-up counts as readable, an error as both:
 * the next read or write will tell.
 */
export function watchFd(fd: number, onReady: (readable: boolean, writable: boolean) => void): Watch {
  let handle: Handle | undefined;
  let open = true;
  let current = 0;
  const use: OnEvents = (status, events) => {
    if (!open) return;
    if (status < 0) onReady(true, true);
    else onReady(events.readable, events.writable);
  };
  return {
    want(readable, writable) {
      const next = (readable ? 1 : 0) | (writable ? 2 : 0);
      if (!open || next === current) return;
      current = next;
      if (next === 0) handle?.stop();
      else if (handle) handle.start({ readable, writable }, use);
      else handle = poll(fd, { readable, writable }, use);
    },
    close() {
      if (!open) return;
      open = false;
      handle?.stop();
      handle?.close();
    },
  };
}
