import { REFUSED_STATUS } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { createLookup } from '../gate/index.js';
import { createLiveRights, openSession, type Wheel } from '../session/index.js';
import type { Login, SessionChannel, SessionRequest, SshConnection, SshHooks } from '../ssh/index.js';
import type { FromDoor, ToDoor } from '../wire/door.js';
import type { Link } from '../wire/frames.js';
import type { Admitted } from '../wire/types.js';
import { refuseCommand } from './command.js';
import type { Desk } from './desk.js';
import type { Requests } from './requests.js';

export type Answer = Extract<ToDoor, { re: number }>;

export interface KeeperLogin extends Login {
  /** The keeper's name for this login; it alone knows what it stands for. */
  id: string;
}

export interface ConnectionParts {
  clock: Clock;
  wheel: Wheel;
  desk: Desk;
  keeper: () => Link<FromDoor>;
  requests: Requests<Answer>;
}

/** What the ssh side asks, put to the keeper: a door admits nobody by itself. */
export function sshHooks(parts: ConnectionParts): SshHooks<KeeperLogin> {
  const { requests, keeper } = parts;
  return {
    async probe(conn, name, key) {
      const ask = { type: 'probe', conn: conn.id, user: name.user, key: key.keyBlob.toString('base64') } as const;
      const answer = await requests.ask((q) => keeper().send({ ...ask, q }));
      return answer.type === 'probed' && answer.ok;
    },
    async login(conn, name, proof) {
      const ask = {
        type: 'login',
        conn: conn.id,
        name: name.raw,
        algo: proof.algo,
        keyType: proof.keyType,
        key: proof.keyBlob.toString('base64'),
        signed: proof.signedBlob.toString('base64'),
        signature: proof.signature.toString('base64'),
      } as const;
      const { user, target } = name;
      const answer = await requests.ask((q) => keeper().send({ ...ask, q }));
      if (answer.type !== 'logged-in') return undefined;
      if (answer.login !== undefined) return { user, target, id: answer.login };
      if (answer.prompt === undefined) return undefined;
      return { prompt: answer.prompt, answer: (typed) => second(conn, { user, target }, typed, parts) };
    },
    session(conn, login, request, channel) {
      serve(conn, login, request, channel, parts).catch((error: unknown) => refuse(channel, request, messageOf(error)));
    },
    authenticated: (conn) => void keeper().send({ type: 'authenticated', conn: conn.id }),
    fault: (conn, error) => void process.stderr.write(`sallyport: connection ${conn.id}: ${messageOf(error)}\n`),
    closed: (conn) => void keeper().send({ type: 'closed', conn: conn.id }),
  };
}

/** The keeper remembers whose key was good on this connection: all that goes there is what was typed. */
async function second(
  conn: SshConnection,
  who: Login,
  typed: string,
  { requests, keeper }: ConnectionParts,
): Promise<KeeperLogin | undefined> {
  const answer = await requests.ask((q) => keeper().send({ type: 'second', conn: conn.id, typed, q }));
  return answer.type === 'logged-in' && answer.login !== undefined ? { ...who, id: answer.login } : undefined;
}

async function serve(
  conn: SshConnection,
  login: KeeperLogin,
  request: SessionRequest,
  channel: SessionChannel,
  parts: ConnectionParts,
): Promise<void> {
  const { clock, wheel, desk, keeper } = parts;
  let closed = false;
  channel.onClose(() => {
    closed = true;
  });
  const answer = await parts.requests.ask((q) => keeper().send(admitQuestion(q, conn, login, request)));
  if (answer.type !== 'admitted' || answer.session === undefined) {
    refuse(channel, request, answer.type === 'admitted' ? (answer.refusal ?? 'refused') : 'refused');
    return;
  }
  const admitted = answer.session;
  const rights = await createLiveRights(admitted.rights, admitted.version).catch((error: unknown) => {
    keeper().send(unstarted(admitted, false));
    throw error;
  });
  const lookup = createLookup(admitted.identity, clock);
  const refusal = refuseCommand(admitted, rights.current(), lookup, clock.now());
  if (refusal !== undefined || closed) {
    if (refusal) keeper().send({ type: 'decisions', sid: admitted.id, events: [refusal.event] });
    keeper().send(unstarted(admitted, refusal !== undefined));
    if (refusal) refuse(channel, request, refusal.text, '');
    return;
  }
  const pty = request.pty && { cols: request.pty.cols, rows: request.pty.rows };
  const slot = desk.open(admitted, pty);
  const { supervisor, launch } = slot;
  const barred = () => {
    const late = refuseCommand(admitted, rights.current(), lookup, clock.now());
    if (late) keeper().send({ type: 'decisions', sid: admitted.id, events: [late.event] });
    return late?.text;
  };
  const ports = { client: channel, clock, wheel, lookup, supervisor };
  slot.attach(openSession({ ...ports, admitted, pty, rights, barred, start: launch }));
}

function admitQuestion(q: number, conn: SshConnection, login: KeeperLogin, request: SessionRequest): FromDoor {
  const { kind, command, pty, env } = request;
  return {
    type: 'admit',
    q,
    conn: conn.id,
    login: login.id,
    kind,
    env,
    ...(command === undefined ? {} : { command }),
    ...(pty === undefined ? {} : { pty: { term: pty.term, cols: pty.cols, rows: pty.rows, modes: pty.modes } }),
  };
}

/** An admitted session that ends before any process of it was ordered. */
function unstarted(admitted: Admitted, refused: boolean): FromDoor {
  const status = refused ? String(REFUSED_STATUS) : '';
  const counts = { commands: refused ? 1 : 0, denied: refused ? 1 : 0 };
  return { type: 'ended', sid: admitted.id, cause: refused ? 'exit' : 'disconnected', status, ...counts };
}

function refuse(channel: SessionChannel, { pty }: SessionRequest, text: string, prefix = 'sallyport: '): void {
  channel.writeErr(Buffer.from(`${prefix}${text}${pty ? '\r\n' : '\n'}`));
  channel.exit({ code: REFUSED_STATUS });
  channel.close();
}
