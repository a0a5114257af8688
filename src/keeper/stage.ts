import type { Ending, Seen } from '../control/watch.js';
import type { EndCause } from '../core/causes.js';
import type { Run, View } from '../wire/watch.js';

/** The screen of one session, for any number of watchers: each is given what is new, and one who was slow all of it. */
export interface Stage {
  show(view: View): void;
  /** Everybody gets what they have not seen, and the cause. */
  end(cause: EndCause): void;
  /** Nothing comes any more: everybody hears why. */
  fail(error: Error): void;
  /** What one watcher sees, from now on; ends soon after the signal. Nothing is kept for whoever does not ask. */
  seat(signal: AbortSignal): AsyncGenerator<Seen | { item: Ending }>;
}

export function createStage(): Stage {
  /** Counts views; a watcher who has seen the last but one needs only what is new. */
  let turn = 0;
  let news: Seen | undefined;
  let whole: Seen | undefined;
  let picture: Omit<View, 'lines'> | undefined;
  let lines: Run[][] = [];
  let over: { cause: EndCause } | { error: Error } | undefined;
  let change = deferred();

  const tell = () => {
    const told = change;
    change = deferred();
    told.resolve();
  };
  const all = (): Seen | undefined => {
    if (picture) whole ??= { item: { type: 'screen', view: { ...picture, lines: [...lines.entries()] } } };
    return whole;
  };

  /** What somebody needs who has seen so many views. */
  const since = (seen: number): Seen | undefined => {
    if (seen === turn) return undefined;
    return seen > 0 && seen === turn - 1 ? (news ?? all()) : all();
  };

  return {
    show(view) {
      const { lines: changed, ...rest } = view;
      const isNewSize = picture?.cols !== view.cols || picture.rows !== view.rows;
      if (isNewSize) lines = Array.from({ length: view.rows }, () => []);
      for (const [row, runs] of changed) if (row < view.rows) lines[row] = runs;
      picture = rest;
      whole = undefined;
      news = isNewSize ? undefined : { item: { type: 'screen', view } };
      turn += 1;
      tell();
    },
    end(cause) {
      over ??= { cause };
      tell();
    },
    fail(error) {
      over ??= { error };
      tell();
    },
    async *seat(signal) {
      // Whoever leaves wakes everybody: cheaper than a wait of each one's own, renewed with every view.
      signal.addEventListener('abort', tell);
      for (let seen = 0; !signal.aborted; ) {
        const next = since(seen);
        seen = turn;
        if (next) yield next;
        else if (over) return yield last(over);
        else await change.promise;
      }
    },
  };
}

function last(over: { cause: EndCause } | { error: Error }): { item: Ending } {
  if ('error' in over) throw over.error;
  return { item: { type: 'end', cause: over.cause } };
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
