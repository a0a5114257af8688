import { CHANNEL_PACKET, CHANNEL_WINDOW, MIN_PACKET } from './bounds.js';
import { ByteReader, Malformed, message } from './bytes.js';
import { Channel, type ChannelHost, type ChannelWire } from './channel.js';
import { MSG, OPEN_REFUSED } from './messages.js';
import type { Stream } from './outflow.js';
import { SessionSlot, type SlotHost } from './session-slot.js';
import type { Transport } from './transport.js';
import type { ExitStatus } from './types.js';

const STDERR = 1;

const FORWARDING: ReadonlySet<string> = new Set(['direct-tcpip', 'direct-streamlocal@openssh.com']);

interface Entry {
  slot: SessionSlot;
  /** The client's number for the channel. */
  remote: number;
}

/** The channels of one authenticated connection. Methods that read a message throw Malformed at what no honest client sends. */
export class Channels {
  /** Set by no-more-sessions@openssh.com. */
  noMoreSessions = false;
  readonly #entries = new Map<number, Entry>();
  /** Where the next flush begins, so that one channel's flood does not starve the others. */
  #turn = 0;

  constructor(
    readonly transport: Transport,
    readonly slotHost: SlotHost,
    readonly channelHost: ChannelHost,
    readonly max: number,
    readonly ping: (answered: () => void) => boolean,
  ) {}

  handles(type: number): boolean {
    return type >= MSG.CHANNEL_OPEN && type <= MSG.CHANNEL_FAILURE;
  }

  message(type: number, payload: Buffer) {
    const reader = new ByteReader(payload, 1);
    switch (type) {
      case MSG.CHANNEL_OPEN:
        return this.#open(reader);
      case MSG.CHANNEL_REQUEST:
        return this.#request(reader);
      case MSG.CHANNEL_OPEN_CONFIRMATION:
      case MSG.CHANNEL_OPEN_FAILURE:
      case MSG.CHANNEL_SUCCESS:
      case MSG.CHANNEL_FAILURE:
        throw new Malformed('an answer to nothing');
      default:
        return this.#traffic(type, reader, this.#entry(reader.uint32()).slot.channel);
    }
  }

  flush() {
    const entries = [...this.#entries.values()];
    this.#turn = entries.length === 0 ? 0 : (this.#turn + 1) % entries.length;
    for (const { slot } of [...entries.slice(this.#turn), ...entries.slice(0, this.#turn)]) slot.channel.flush();
  }

  lost() {
    for (const { slot } of this.#entries.values()) slot.channel.lost();
    this.#entries.clear();
  }

  #traffic(type: number, reader: ByteReader, channel: Channel) {
    switch (type) {
      case MSG.CHANNEL_DATA:
        return demand(channel.received(reader.string()));
      case MSG.CHANNEL_EXTENDED_DATA:
        reader.uint32();
        return demand(channel.wasted(reader.string().length));
      case MSG.CHANNEL_WINDOW_ADJUST:
        return demand(channel.windowGrown(reader.uint32()));
      case MSG.CHANNEL_EOF:
        return channel.inputEnded();
      case MSG.CHANNEL_CLOSE:
        return channel.peerClosed();
    }
  }

  #open(reader: ByteReader): void {
    const type = reader.name();
    const remote = reader.uint32();
    const window = reader.uint32();
    const maxPacket = reader.uint32();
    const refused = this.#refusal(type, maxPacket);
    if (refused) {
      this.transport.send(message(MSG.CHANNEL_OPEN_FAILURE, remote, refused.reason, `sallyport: ${refused.text}`, ''));
      return;
    }
    const local = this.#freeNumber();
    const channel = new Channel(this.#wire(local, remote), this.channelHost, window, maxPacket);
    this.#entries.set(local, { slot: new SessionSlot(channel, this.slotHost), remote });
    this.transport.send(message(MSG.CHANNEL_OPEN_CONFIRMATION, remote, local, CHANNEL_WINDOW, CHANNEL_PACKET));
  }

  #refusal(type: string, maxPacket: number): { reason: number; text: string } | undefined {
    const { PROHIBITED, UNKNOWN_TYPE, RESOURCE_SHORTAGE } = OPEN_REFUSED;
    if (FORWARDING.has(type)) return { reason: PROHIBITED, text: 'forwarding is not offered here' };
    if (type !== 'session') return { reason: UNKNOWN_TYPE, text: 'no such kind of channel' };
    if (this.noMoreSessions) return { reason: PROHIBITED, text: 'the client said it needs no more sessions' };
    if (maxPacket < MIN_PACKET) {
      return { reason: RESOURCE_SHORTAGE, text: `the maximum packet size must be ${MIN_PACKET} bytes or more` };
    }
    if (this.#entries.size < this.max) return undefined;
    return { reason: RESOURCE_SHORTAGE, text: `a connection may have ${this.max} sessions; close one first` };
  }

  #request(reader: ByteReader): void {
    const { slot, remote } = this.#entry(reader.uint32());
    const type = reader.name();
    const wantsReply = reader.bool();
    if (slot.channel.over) return;
    slot.request(type, reader, (success) => {
      if (wantsReply) this.transport.send(message(success ? MSG.CHANNEL_SUCCESS : MSG.CHANNEL_FAILURE, remote));
    });
  }

  #entry(local: number): Entry {
    const entry = this.#entries.get(local);
    if (!entry) throw new Malformed('no such channel');
    return entry;
  }

  #freeNumber(): number {
    let number = 0;
    while (this.#entries.has(number)) number += 1;
    return number;
  }

  #wire(local: number, remote: number): ChannelWire {
    const { transport } = this;
    return {
      writable: () => transport.writable,
      data: (stream, chunk, from, to) => transport.sendData(dataHeader(stream, remote, to - from), chunk, from, to),
      batch: (sends) => transport.batch(sends),
      renewWindow: (bytes) => transport.send(message(MSG.CHANNEL_WINDOW_ADJUST, remote, bytes)),
      finish: (status) => {
        if (status) transport.send(exitMessage(remote, status));
        transport.send(message(MSG.CHANNEL_EOF, remote));
        transport.send(message(MSG.CHANNEL_CLOSE, remote));
      },
      ping: this.ping,
      released: () => void this.#entries.delete(local),
    };
  }
}

function demand(sane: boolean): void {
  if (!sane) throw new Malformed('more than the window allows');
}

function dataHeader(stream: Stream, remote: number, size: number): Buffer {
  const isErr = stream === 'err';
  const header = Buffer.allocUnsafe(isErr ? 13 : 9);
  header[0] = isErr ? MSG.CHANNEL_EXTENDED_DATA : MSG.CHANNEL_DATA;
  header.writeUInt32BE(remote, 1);
  if (isErr) header.writeUInt32BE(STDERR, 5);
  header.writeUInt32BE(size, isErr ? 9 : 5);
  return header;
}

function exitMessage(remote: number, status: ExitStatus): Buffer {
  if ('code' in status) return message(MSG.CHANNEL_REQUEST, remote, 'exit-status', false, status.code >>> 0);
  const core = false;
  return message(MSG.CHANNEL_REQUEST, remote, 'exit-signal', false, status.signal.replace(/^SIG/, ''), core, '', '');
}
