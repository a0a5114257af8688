/** The messenger's process: carries what hooks are told. No privilege. Started by the keeper alone. */
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { serveKeeper } from '../helper/index.js';
import { MAX_WHY } from '../wire/helper.js';
import { type MessengerAnswer, type MessengerOrder, toMessenger } from '../wire/messenger.js';
import { killCommands, runCommand } from './command.js';
import { sendSyslog } from './syslog-send.js';
import { DeliveryError } from './types.js';
import { post } from './webhook.js';

serveKeeper<MessengerOrder, MessengerAnswer>({
  name: 'messenger',
  incoming: toMessenger,
  async carryOut(order, clock) {
    await carry(order, clock);
    return { type: 'done', re: order.q };
  },
  failed: ({ q }, error) => ({ type: 'failed', re: q, ...reasonOf(error) }),
  end: killCommands,
});

function carry(order: MessengerOrder, clock: Clock): Promise<void> {
  if (order.type === 'post') return post(order, clock);
  return order.type === 'run' ? runCommand(order, clock) : sendSyslog(order, clock);
}

function reasonOf(error: unknown) {
  const why = escapeText(messageOf(error), MAX_WHY);
  if (!(error instanceof DeliveryError)) return { why, again: true };
  return { why, again: error.again, ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }) };
}
