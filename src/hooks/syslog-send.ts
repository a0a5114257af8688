import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns';
import { createConnection, isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.js';
import { sendDatagrams } from '../os/datagram.js';
import type { SyslogOrder } from '../wire/messenger.js';
import { octetCounted } from './syslog.js';
import { DeliveryError } from './types.js';

/** What a receiver that has everything gets to close its side. Unit: ms. */
const CLOSE_MS = 500;

type Place = SyslogOrder['place'];
type Address = Extract<Place, { host: string }>;

/**
 * Sends the messages; over TCP on a connection of their own. Rejects with a DeliveryError on what the transport tells: UDP tells
 * next to nothing, TCP that a receiver was there and took the bytes, a unix socket that they are in its queue.
 */
export function sendSyslog(order: Omit<SyslogOrder, 'type' | 'q'>, clock: Clock): Promise<void> {
  const { place, messages, timeoutMs } = order;
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const timer = clock.after(timeoutMs, () => end(new Error(`not sent in ${timeoutMs} ms`)));
    function end(failure?: Error): void {
      timer.cancel();
      stop();
      if (failure === undefined) resolve();
      else reject(new DeliveryError(failure.message, true));
    }
    if (place.via === 'unix') overUnix(place.path, messages, end);
    else if (place.via === 'udp') stop = overUdp(place, messages, end);
    else stop = overTcp(place, messages, end, clock);
  });
}

function overUdp(place: Address, messages: readonly string[], end: (failure?: Error) => void): () => void {
  let open = true;
  let close = () => {};
  lookup(place.host, (failed, address) => {
    if (!open) return;
    if (failed) return end(failed);
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    close = () => socket.close();
    socket.on('error', end);
    let left = messages.length;
    for (const message of messages)
      socket.send(message, place.port, address, (error) => {
        left -= 1;
        if (error) end(error);
        else if (left === 0) end();
      });
  });
  return () => {
    if (!open) return;
    open = false;
    close();
  };
}

function overTcp(
  place: Address,
  messages: readonly string[],
  end: (failure?: Error) => void,
  clock: Clock,
): () => void {
  const socket = createConnection({ host: place.host, port: place.port });
  let taken = false;
  socket.on('error', end);
  socket.on('close', () => end(taken ? undefined : new Error('the receiver hangs up')));
  // Nothing a receiver says means anything (RFC 6587, 3.4).
  socket.resume();
  socket.end(octetCounted(messages), () => {
    taken = true;
    clock.after(CLOSE_MS, () => end());
  });
  return () => socket.destroy();
}

function overUnix(path: string, messages: readonly string[], end: (failure?: Error) => void): void {
  try {
    sendDatagrams(path, messages);
    end();
  } catch (error) {
    end(error instanceof Error ? error : new Error(String(error)));
  }
}
