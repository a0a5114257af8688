import type { Clock } from '../core/clock.js';
import { MAX_PENDING_AUTHS, PROBE_GRID_MS, REFUSAL_GRID_MS, TIMER_GRAIN_MS } from './bounds.js';
import { ByteReader, message } from './bytes.js';
import { type LoginName, parseLoginName } from './login-name.js';
import { BYE, KEY_TYPE_OF, MSG } from './messages.js';
import type { Challenge, Login, OfferedKey, Proof } from './types.js';

/** A code or a recovery code, with room for how people write them. Bytes. */
const MAX_ANSWER = 256;

export interface AuthHost<L extends Login> {
  probe(name: LoginName, key: OfferedKey): Promise<boolean>;
  login(name: LoginName, proof: Proof): Promise<L | Challenge<L> | undefined>;
  admitted(login: L): void;
  send(payload: Buffer): void;
  /** The connection ends. */
  refuse(reason: number, text: string): void;
  sessionId(): Buffer;
  /** The connection is over, or about to be. */
  gone(): boolean;
}

export interface AuthLimits {
  clock: Clock;
  authTries: number;
  authProbes: number;
}

interface Attempt {
  raw: string;
  body: ByteReader;
  payload: Buffer;
  /** mono, ms */
  receivedAt: number;
}

/**
 * RFC 4252 on the server's side: publickey, and where the login needs more, keyboard-interactive after it (RFC 4256). One attempt is decided at a time. Every no is the same message at a time
 * that depends only on when the attempt came: nothing tells a user who exists from one who does not.
 */
export class UserAuth<L extends Login> {
  #user: string | undefined;
  #busy = false;
  #over = false;
  #refused = 0;
  #probes = 0;
  /** A key was good, and this is asked for besides. */
  #challenge: Challenge<L> | undefined;
  /** When the question now on the client's screen was asked for; undefined: none is. */
  #asked: Attempt | undefined;
  readonly #waiting: Attempt[] = [];

  constructor(
    readonly host: AuthHost<L>,
    readonly limits: AuthLimits,
  ) {}

  /** Takes a USERAUTH_REQUEST; throws Malformed. */
  request(payload: Buffer) {
    // The payload may share memory with the network's buffer, and a decision may take a while.
    const copy = Buffer.from(payload);
    const body = new ByteReader(copy, 1);
    const raw = body.string().toString();
    const service = body.name();
    if (service !== 'ssh-connection') return this.#end(BYE.SERVICE_NOT_AVAILABLE, 'no such service');
    if (this.#user !== undefined && this.#user !== raw) return this.#end(BYE.PROTOCOL_ERROR, 'the user name changed');
    this.#user = raw;
    const attempt = { raw, body, payload: copy, receivedAt: this.limits.clock.mono() };
    // Who asks for something else has given up on the question (RFC 4256, 3.1).
    if (this.#asked) this.#busy = false;
    this.#asked = undefined;
    if (!this.#busy) return this.#decide(attempt);
    if (this.#waiting.length >= MAX_PENDING_AUTHS) return this.#end(BYE.PROTOCOL_ERROR, 'too many attempts at once');
    this.#waiting.push(attempt);
  }

  /** Takes a USERAUTH_INFO_RESPONSE; false: nobody asked. Throws Malformed. */
  response(payload: Buffer): boolean {
    const attempt = this.#asked;
    this.#asked = undefined;
    if (!attempt || !this.#challenge) return false;
    const body = new ByteReader(Buffer.from(payload), 1);
    const count = body.uint32();
    const typed = count === 1 ? body.string() : Buffer.alloc(0);
    const { answer } = this.#challenge;
    const fits = count === 1 && typed.length <= MAX_ANSWER;
    this.#settle(attempt, fits ? safely(() => answer(typed.toString())) : Promise.resolve(undefined));
    return true;
  }

  get #done(): boolean {
    return this.#over || this.host.gone();
  }

  /** Nothing is decided or sent any more. */
  stop() {
    this.#over = true;
    this.#waiting.length = 0;
  }

  #decide(attempt: Attempt) {
    const method = attempt.body.name();
    if (method === 'publickey') return this.#publicKey(attempt);
    if (method === 'none') return this.#answerNo();
    if (method === 'keyboard-interactive' && this.#challenge) return this.#ask(attempt, this.#challenge);
    this.#countRefusal();
  }

  #publicKey(attempt: Attempt) {
    const { body } = attempt;
    const signed = body.bool();
    const algo = body.name();
    const keyBlob = body.string();
    const signedEnd = body.at;
    const signature = signed ? body.string() : undefined;
    body.end();
    const key = offeredKey(algo, keyBlob);
    const name = parseLoginName(attempt.raw);
    this.#busy = true;
    if (!signature) return this.#probe(attempt, name, key);
    const signedBlob = signedBytes(this.host.sessionId(), attempt.payload.subarray(0, signedEnd));
    this.#login(attempt, name, key && { ...key, signedBlob, signature });
  }

  #probe(attempt: Attempt, name: LoginName | undefined, key: OfferedKey | undefined) {
    this.#probes += 1;
    if (this.#probes > this.limits.authProbes) return this.#end(BYE.NO_MORE_AUTH_METHODS, 'too many keys offered');
    const asked = name && key ? safely(() => this.host.probe(name, key)) : Promise.resolve(undefined);
    asked.then((known) => {
      if (this.#done) return;
      if (known !== true || !key) return this.#later(attempt, PROBE_GRID_MS, () => this.#answerNo());
      this.host.send(message(MSG.USERAUTH_PK_OK, key.algo, key.keyBlob));
      this.#next();
    });
  }

  #login(attempt: Attempt, name: LoginName | undefined, proof: Proof | undefined): void {
    this.#challenge = undefined;
    this.#settle(attempt, name && proof ? safely(() => this.host.login(name, proof)) : Promise.resolve(undefined));
  }

  #settle(attempt: Attempt, asked: Promise<L | Challenge<L> | undefined>): void {
    asked.then((login) => {
      if (this.#done) return;
      if (login === undefined) return this.#later(attempt, REFUSAL_GRID_MS, () => this.#countRefusal());
      if ('answer' in login) {
        this.#challenge = login;
        return this.#answerNo(true);
      }
      this.stop();
      this.host.send(message(MSG.USERAUTH_SUCCESS));
      this.host.admitted(login);
    });
  }

  #ask(attempt: Attempt, { prompt }: Challenge<L>) {
    this.#busy = true;
    this.#asked = attempt;
    const [name, instruction, language, prompts, echo] = ['', '', '', 1, false];
    this.host.send(message(MSG.USERAUTH_INFO_REQUEST, name, instruction, language, prompts, prompt, echo));
  }

  /** Answers at the next point of the attempt's own grid: timers are a millisecond coarse, and would tell the difference. */
  #later(attempt: Attempt, grid: number, answer: () => void) {
    const { clock } = this.limits;
    const spent = clock.mono() - attempt.receivedAt;
    const due = attempt.receivedAt + (Math.floor(spent / grid) + 1) * grid;
    const answerIfDue = () => {
      if (this.#done) return;
      if (clock.mono() >= due) answer();
      else setImmediate(answerIfDue);
    };
    clock.after(due - clock.mono() - TIMER_GRAIN_MS, answerIfDue);
  }

  #countRefusal() {
    this.#refused += 1;
    if (this.#refused >= this.limits.authTries) {
      return this.#end(BYE.NO_MORE_AUTH_METHODS, 'too many refused attempts');
    }
    this.#answerNo();
  }

  /** `partial`: what was tried was good, and the method named is wanted besides. */
  #answerNo(partial = false): void {
    const method = this.#challenge ? 'keyboard-interactive' : 'publickey';
    this.host.send(message(MSG.USERAUTH_FAILURE, method, partial));
    this.#next();
  }

  #next(): void {
    this.#busy = false;
    const next = this.#waiting.shift();
    if (!next || this.#done) return;
    try {
      this.#decide(next);
    } catch {
      this.#end(BYE.PROTOCOL_ERROR, 'malformed request');
    }
  }

  #end(reason: number, text: string): void {
    this.stop();
    this.host.refuse(reason, text);
  }
}

/** Undefined for an algorithm not accepted, or a key that is not of its type. */
function offeredKey(algo: string, keyBlob: Buffer): OfferedKey | undefined {
  const keyType = KEY_TYPE_OF.get(algo);
  if (keyType === undefined || keyBlob.length < 4 + keyType.length) return undefined;
  const named =
    keyBlob.readUInt32BE(0) === keyType.length && keyBlob.toString('latin1', 4, 4 + keyType.length) === keyType;
  return named ? { algo, keyType, keyBlob } : undefined;
}

function signedBytes(sessionId: Buffer, request: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(sessionId.length);
  return Buffer.concat([length, sessionId, request]);
}

/** A hook that throws, at once or later, has said no. */
async function safely<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
