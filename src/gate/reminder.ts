import type { Clock, Timer } from '../core/clock.js';
import type { Message } from './protocol.js';

/** How long an answer may go unheard before it is said again, ms, and how often it is said again. */
const AGAIN_MS = 700;
const MAX_AGAIN = 4;
/** Shells waited for at once; beyond these an answer is said once. */
const MAX_WAITED_FOR = 32;

/** Says answers again to shells that cannot wait for them with a time limit, until they say that they heard. */
export interface Reminder {
  /** True for a question, or its second half, from such a shell. */
  awaits(message: Message): boolean;
  expect(message: Message, bytes: string): void;
  heard(message: Message): void;
  stop(): void;
}

export function createReminder(clock: Clock, say: (bytes: string) => void): Reminder {
  const waiting = new Map<string, { id: string; timer: Timer }>();
  const drop = (shell: string): void => {
    waiting.get(shell)?.timer.cancel();
    waiting.delete(shell);
  };
  const remind = (message: Message, bytes: string, left: number): void => {
    drop(message.shell);
    if (left === 0 || waiting.size >= MAX_WAITED_FOR) return;
    const timer = clock.after(AGAIN_MS, () => {
      say(bytes);
      remind(message, bytes, left - 1);
    });
    waiting.set(message.shell, { id: message.id, timer });
  };
  return {
    awaits: (message) =>
      message.kind === 'line' ? message.syntax.shell === 'fish' : waiting.get(message.shell)?.id === message.id,
    expect: (message, bytes) => remind(message, bytes, MAX_AGAIN),
    heard(message) {
      if (waiting.get(message.shell)?.id === message.id) drop(message.shell);
    },
    stop() {
      for (const { timer } of waiting.values()) timer.cancel();
      waiting.clear();
    },
  };
}
