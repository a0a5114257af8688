import type { Clock } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';

/** The keeper answers in milliseconds; an audit log on a slow disk may take longer. No answer is a refusal. */
const ANSWER_MS = 15_000;

/** Questions under way to the keeper, by number. */
export interface Requests<Answer> {
  /** `post` sends the question under its number; false means the link is gone. Rejects when no answer comes. */
  ask(post: (q: number) => boolean): Promise<Answer>;
  /** Hands an answer to whoever waits; unknown numbers are ignored. */
  answer(re: number, answer: Answer): void;
}

export function createRequests<Answer>(clock: Clock): Requests<Answer> {
  let next = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  return {
    ask(post) {
      next += 1;
      const q = next;
      return new Promise<Answer>((resolve, reject) => {
        const timer = clock.after(ANSWER_MS, () => {
          waiting.delete(q);
          reject(new SallyportError('failed', 'the broker did not answer in time; try again'));
        });
        waiting.set(q, (answer) => {
          timer.cancel();
          resolve(answer);
        });
        if (!post(q)) {
          timer.cancel();
          waiting.delete(q);
          reject(new SallyportError('failed', 'the broker is not reachable; try again'));
        }
      });
    },
    answer(re, answer) {
      const resolve = waiting.get(re);
      waiting.delete(re);
      resolve?.(answer);
    },
  };
}
