/** The feeder's process: asks the addresses of feeds and reads what they say. No privilege. Started by the keeper alone. */
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { serveKeeper } from '../helper/index.js';
import {
  type FeederAnswer,
  type FeederOrder,
  type FetchOrder,
  MAX_ANSWER,
  MAX_ONE_ANSWER,
  type Subjects,
  toFeeder,
} from '../wire/feeder.js';
import { MAX_WHY } from '../wire/helper.js';
import { readEveryone, readOne } from './document.js';
import { fetchText } from './http.js';

serveKeeper<FeederOrder, FeederAnswer>({
  name: 'feeder',
  incoming: toFeeder,
  async carryOut(order, clock) {
    const subjects = order.type === 'read' ? readEveryone(order.text) : await fetched(order, clock);
    return { type: 'told', re: order.q, subjects };
  },
  failed: ({ q }, error) => ({ type: 'failed', re: q, why: escapeText(messageOf(error), MAX_WHY) }),
});

async function fetched({ url, headers, ca, timeoutMs, of }: FetchOrder, clock: Clock): Promise<Subjects> {
  const maxBytes = of === 'one' ? MAX_ONE_ANSWER : MAX_ANSWER;
  const text = await fetchText({ url, headers, ca, timeoutMs, maxBytes }, clock);
  return of === 'one' ? readOne(text) : readEveryone(text);
}
