import type { Socket } from 'node:net';
import type { Clock, Timer } from '../core/clock.js';
import { escapeText } from '../core/escape.js';
import { LINGER_MS, MAX_CLIENT_REKEYS, REKEY_SPAN_MS } from './bounds.js';
import { ByteReader, Malformed, message } from './bytes.js';
import { Channels } from './channels.js';
import type { Ssh2HostKey } from './internals.js';
import { Keepalive } from './keepalive.js';
import { BYE, KEY_TYPE_OF, MSG } from './messages.js';
import { Transport } from './transport.js';
import type { Login, SshConnection, SshHooks, SshLimits } from './types.js';
import { UserAuth } from './user-auth.js';

export interface ConnectionOptions<L extends Login> {
  hostKey: Ssh2HostKey;
  clock: Clock;
  limits: Required<SshLimits>;
  envAllow: (name: string) => boolean;
  hooks: SshHooks<L>;
  /** After hooks.closed. */
  gone: () => void;
}

/** Questions of ours a client may leave unanswered. */
const MAX_PINGS = 64;

type Phase = 'keys' | 'service' | 'auth' | 'open';

/** One client from accept to the socket's end: who may send what when. */
export class Connection<L extends Login> implements SshConnection {
  #phase: Phase = 'keys';
  #clientVersion = '';
  #channels: Channels | undefined;
  #rekeys: number[] = [];
  #kexTimer: Timer | undefined;
  #rekeyTimer: Timer | undefined;
  #lingerTimer: Timer | undefined;
  /** Who waits for the client's answers. */
  readonly #pings: (() => void)[] = [];
  readonly #graceTimer: Timer;
  readonly #transport: Transport;
  readonly #auth: UserAuth<L>;
  readonly #keepalive: Keepalive;

  constructor(
    socket: Socket,
    readonly id: number,
    readonly ip: string,
    readonly port: number,
    readonly options: ConnectionOptions<L>,
  ) {
    const { clock, limits, hostKey } = options;
    this.#transport = new Transport(socket, hostKey, limits.rekeyBytes, {
      received: (total) => {
        if (this.#phase !== 'open' && total > limits.maxUnauthBytes) this.destroy();
      },
      message: (type, payload) => this.#message(type, payload),
      ident: (software) => {
        this.#clientVersion = software;
      },
      rekeyAsked: () => this.#rekeyAsked(),
      worn: () => this.#rekey(),
      keysReady: () => this.#keysReady(),
      tooLong: () => this.#tooLong(),
      drained: () => {
        this.#channels?.flush();
      },
      closed: () => this.#closed(),
    });
    this.#auth = new UserAuth(this.#authHost(), { clock, ...limits });
    this.#keepalive = new Keepalive(clock, limits.keepaliveMs, limits.keepaliveTries, {
      ask: () => void this.#ping(() => {}),
      gone: () => this.destroy(),
    });
    this.#graceTimer = clock.after(limits.loginGraceMs, () => this.destroy());
  }

  clientVersion(): string {
    return escapeText(this.#clientVersion, 80);
  }

  disconnect(reason: string) {
    this.#goodbye(BYE.BY_APPLICATION, reason);
  }

  destroy() {
    this.#transport.destroy();
  }

  #message(type: number, payload: Buffer) {
    this.#keepalive.heard();
    try {
      this.#dispatch(type, payload);
    } catch (error) {
      this.#goodbye(BYE.PROTOCOL_ERROR, 'protocol error');
      if (!(error instanceof Malformed)) this.options.hooks.fault?.(this, error);
    }
  }

  #dispatch(type: number, payload: Buffer) {
    switch (type) {
      case MSG.DISCONNECT:
        return this.destroy();
      case MSG.IGNORE:
      case MSG.UNIMPLEMENTED:
      case MSG.DEBUG:
      case MSG.EXT_INFO:
        return;
      case MSG.SERVICE_REQUEST:
        return this.#service(new ByteReader(payload, 1).name());
      case MSG.USERAUTH_REQUEST:
        return this.#userAuth(payload);
      case MSG.USERAUTH_INFO_RESPONSE:
        if (this.#phase !== 'auth' || !this.#auth.response(payload)) this.#transport.unimplemented();
        return;
      default:
        return this.#phase === 'open' ? this.#connectionMessage(type, payload) : this.#early(type);
    }
  }

  /** Before login: messages of the connection protocol are a breach, others are not known. */
  #early(type: number) {
    if (type >= MSG.GLOBAL_REQUEST) this.#goodbye(BYE.PROTOCOL_ERROR, 'not authenticated');
    else this.#transport.unimplemented();
  }

  /** Before login it is no command, and nobody is told how this end reads. */
  #tooLong() {
    if (this.#phase !== 'open') return this.destroy();
    this.#goodbye(BYE.PROTOCOL_ERROR, 'a message longer than 256 KiB: give what is long through standard input', true);
  }

  #connectionMessage(type: number, payload: Buffer) {
    if (this.#channels?.handles(type)) return this.#channels.message(type, payload);
    if (type === MSG.GLOBAL_REQUEST) return this.#globalRequest(new ByteReader(payload, 1));
    if (type === MSG.REQUEST_SUCCESS || type === MSG.REQUEST_FAILURE) return this.#pings.shift()?.();
    this.#transport.unimplemented();
  }

  /** Answers come in the order of the questions. */
  #ping(answered: () => void): boolean {
    if (this.#transport.rekeying || this.#pings.length >= MAX_PINGS) return false;
    this.#pings.push(answered);
    this.#send(message(MSG.GLOBAL_REQUEST, 'keepalive@openssh.com', true));
    return true;
  }

  #service(name: string) {
    if (this.#phase !== 'service' || name !== 'ssh-userauth') {
      return this.#goodbye(BYE.SERVICE_NOT_AVAILABLE, 'no such service');
    }
    this.#phase = 'auth';
    this.#send(message(MSG.SERVICE_ACCEPT, name));
  }

  #userAuth(payload: Buffer) {
    if (this.#phase === 'open') return; // RFC 4252 5.1: ignored
    if (this.#phase !== 'auth') return this.#goodbye(BYE.PROTOCOL_ERROR, 'no service was asked for');
    this.#auth.request(payload);
  }

  #authHost() {
    const { hooks } = this.options;
    return {
      probe: hooks.probe.bind(hooks, this),
      login: hooks.login.bind(hooks, this),
      admitted: (login: L) => this.#admitted(login),
      send: (payload: Buffer) => this.#send(payload),
      refuse: (reason: number, text: string) => this.#goodbye(reason, text),
      sessionId: () => this.#transport.sessionId,
      gone: () => this.#transport.dead,
    };
  }

  #admitted(login: L): void {
    const { clock, limits, envAllow, hooks } = this.options;
    this.#phase = 'open';
    this.#graceTimer.cancel();
    this.#channels = new Channels(
      this.#transport,
      { envAllow, start: (request, channel) => this.#hook(() => hooks.session(this, login, request, channel)) },
      { clock, closeStallMs: limits.closeStallMs, call: (fn) => this.#hook(fn) },
      limits.channelsPerConnection,
      (answered) => this.#ping(answered),
    );
    this.#keepalive.start();
    this.#armRekey();
    this.#hook(() => hooks.authenticated(this, login));
  }

  /** Forwards are refused like any request we do not know; so is a keepalive, which is an answer too. */
  #globalRequest(reader: ByteReader): void {
    const name = reader.name();
    const wantsReply = reader.bool();
    const known = name === 'no-more-sessions@openssh.com';
    if (known && this.#channels) this.#channels.noMoreSessions = true;
    if (wantsReply) this.#send(message(known ? MSG.REQUEST_SUCCESS : MSG.REQUEST_FAILURE));
  }

  #keysReady(): void {
    this.#kexTimer?.cancel();
    if (this.#phase === 'keys') {
      this.#phase = 'service';
      this.#send(message(MSG.EXT_INFO, 1, 'server-sig-algs', [...KEY_TYPE_OF.keys()].join(',')));
      return;
    }
    this.#armRekey();
    this.#channels?.flush();
  }

  #rekeyAsked(): boolean {
    if (this.#phase !== 'open') return false;
    const now = this.options.clock.mono();
    this.#rekeys = [...this.#rekeys.filter((at) => now - at < REKEY_SPAN_MS), now];
    this.#armKex();
    return this.#rekeys.length <= MAX_CLIENT_REKEYS;
  }

  #rekey(): void {
    if (this.#phase !== 'open') return;
    this.#armKex();
    this.#transport.rekey();
  }

  #armRekey(): void {
    this.#rekeyTimer?.cancel();
    this.#rekeyTimer = this.options.clock.after(this.options.limits.rekeyMs, () => this.#rekey());
  }

  /** A key exchange that stalls would hold everything back for ever. */
  #armKex(): void {
    this.#kexTimer?.cancel();
    this.#kexTimer = this.options.clock.after(this.options.limits.kexMs, () => this.destroy());
  }

  #send(payload: Buffer): void {
    this.#transport.send(payload);
  }

  #goodbye(reason: number, text: string, patient = false): void {
    if (this.#transport.dead) return;
    this.#transport.goodbye(reason, `sallyport: ${text}`, patient);
    this.#channels?.lost();
    this.#lingerTimer = this.options.clock.after(LINGER_MS, () => this.destroy());
  }

  #closed(): void {
    for (const timer of [this.#graceTimer, this.#kexTimer, this.#rekeyTimer, this.#lingerTimer]) timer?.cancel();
    this.#keepalive.stop();
    this.#auth.stop();
    this.#channels?.lost();
    this.#hook(() => this.options.hooks.closed(this));
    this.options.gone();
  }

  /** Calls the broker's code; a fault in it ends the connection it happened on, and no other. */
  #hook(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.destroy();
      this.options.hooks.fault?.(this, error);
    }
  }
}
