import type { EndCause } from '../core/causes.js';

/** How the session's first process ended. */
export type ExitStatus = { code: number } | { signal: string };

export interface Ending {
  cause: EndCause;
  /** Present when the session's own shell or command ended first. */
  status?: ExitStatus;
  /** What an admin gave as reason, for the records. */
  reason?: string;
}

/** One session's end, decided once: whatever calls first wins, everything later is ignored. */
export interface Life {
  /** Returns true when this call decided the end. */
  end(ending: Ending): boolean;
  readonly ending: Ending | undefined;
  readonly over: Promise<Ending>;
}

export function createLife(): Life {
  let ending: Ending | undefined;
  let settle: (e: Ending) => void = () => undefined;
  const over = new Promise<Ending>((resolve) => {
    settle = resolve;
  });
  return {
    end(e) {
      if (ending !== undefined) return false;
      ending = e;
      settle(e);
      return true;
    },
    get ending() {
      return ending;
    },
    over,
  };
}
