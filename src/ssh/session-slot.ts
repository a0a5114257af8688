import { REFUSED_STATUS } from '../core/causes.js';
import { escapeText } from '../core/escape.js';
import type { ByteReader } from './bytes.js';
import type { Channel } from './channel.js';
import { SIGNALS } from './messages.js';
import { readCommand, readPty, readSize, takeEnv } from './session-request.js';
import type { PtyRequest, SessionRequest } from './types.js';

export interface SlotHost {
  envAllow(name: string): boolean;
  start(request: SessionRequest, channel: Channel): void;
}

/** What a channel is told to become: environment and pty first, then one shell or exec, then window sizes and signals. */
export class SessionSlot {
  #started = false;
  #pty: PtyRequest | undefined;
  readonly #env: Record<string, string> = Object.create(null);

  constructor(
    readonly channel: Channel,
    readonly host: SlotHost,
  ) {}

  /**
   * Reads one CHANNEL_REQUEST; throws Malformed. `reply` is called exactly once, before anything the request starts can send.
   */
  request(type: string, body: ByteReader, reply: (success: boolean) => void) {
    switch (type) {
      case 'env':
        return reply(!this.#started && takeEnv(body, this.#env, this.host.envAllow));
      case 'pty-req':
        return reply(this.#takePty(body));
      case 'window-change':
        return reply(this.#resize(body));
      case 'signal':
        return reply(this.#signal(body.name()));
      case 'shell':
        return this.#start(reply, { kind: 'shell' });
      case 'exec':
        return this.#exec(body.string(), reply);
      case 'subsystem':
        return this.#refuse(reply, `${escapeText(body.name(), 40)} is not offered here`);
      default:
        return reply(false); // agent and X11 forwarding among them
    }
  }

  #takePty(body: ByteReader): boolean {
    if (this.#started || this.#pty) return false;
    this.#pty = readPty(body);
    return true;
  }

  #resize(body: ByteReader): boolean {
    const size = readSize(body);
    if (!this.#pty) return false;
    this.#pty = { ...this.#pty, ...size };
    if (this.#started) this.channel.resized(size.cols, size.rows);
    return true;
  }

  #signal(name: string): boolean {
    if (!this.#started || !SIGNALS.has(name)) return false;
    this.channel.signalled(name);
    return true;
  }

  #exec(bytes: Buffer, reply: (success: boolean) => void): void {
    const read = readCommand(bytes);
    if (read.ok) this.#start(reply, { kind: 'exec', command: read.command });
    else this.#refuse(reply, read.why);
  }

  #start(reply: (success: boolean) => void, what: Pick<SessionRequest, 'kind' | 'command'>) {
    if (this.#started) return reply(false);
    this.#started = true;
    reply(true);
    this.host.start({ ...what, ...(this.#pty && { pty: this.#pty }), env: { ...this.#env } }, this.channel);
  }

  /** The only way to show a reason is to start, say it and end; a plain failure shows the client's own words. */
  #refuse(reply: (success: boolean) => void, why: string) {
    if (this.#started) return reply(false);
    this.#started = true;
    reply(true);
    const end = this.#pty ? '\r\n' : '\n';
    this.channel.writeErr(Buffer.from(`sallyport: refused: ${why}${end}`));
    this.channel.exit({ code: REFUSED_STATUS });
    this.channel.close();
  }
}
