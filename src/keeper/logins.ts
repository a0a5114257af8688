import { createHash } from 'node:crypto';
import type { Authority } from '../authority/index.js';
import type { Clock } from '../core/clock.js';
import { newId } from '../core/ids.js';
import { compileRights } from '../policy/index.js';
import { LOGIN_QUESTION, SESSION_QUESTION } from '../session/index.js';
import { parseLoginName, verifyProof } from '../ssh/index.js';
import type { AuditLog } from '../store/index.js';
import type { FromDoor } from '../wire/door.js';
import type { Connection } from './listener.js';
import { standsAgainst } from './live.js';

/** Signed blobs remembered, so that none is taken twice; each is bound to one connection's session id anyway. */
const MAX_SEEN_BLOBS = 20_000;

export interface LoginRecord {
  id: string;
  user: string;
  target: string;
  key: string;
  conn: number;
  pair: number;
  ip: string;
  port: number;
  at: number;
}

export interface Logins {
  probe(message: Extract<FromDoor, { type: 'probe' }>, pair: number): boolean;
  /** The login's id once it is durable in the audit log; undefined: refused. */
  login(message: Extract<FromDoor, { type: 'login' }>, pair: number): Promise<string | undefined>;
  get(id: string, conn: number, pair: number): LoginRecord | undefined;
  all(): Iterable<LoginRecord>;
  /** Forgets the logins of a connection. */
  closed(conn: number): void;
}

export interface LoginParts {
  authority: Authority;
  audit: AuditLog;
  clock: Clock;
  targets(): Readonly<Record<string, unknown>>;
  /** Has the facts of someone who proved who they are brought up to date. Never rejects, and ends in time. */
  prepare(user: string): Promise<void>;
  connection(id: number): Connection | undefined;
}

export function createLogins(parts: LoginParts): Logins {
  const { authority } = parts;
  const byId = new Map<string, LoginRecord>();
  const seen = new Set<string>();
  /** Names whose keys were asked about and not known, by connection: one audit entry when it closes. */
  const tried = new Map<number, string>();
  return {
    // One path for every name: what exists shows in neither answer nor delay beyond the answer itself.
    probe(m, pair) {
      const known = authority.usableKey(m.user, fingerprint(m.key)) !== undefined;
      if (!known && parts.connection(m.conn)?.pair === pair) tried.set(m.conn, m.user);
      return known;
    },
    async login(message, pair) {
      const why = await judge(message, seen, parts);
      const connection = parts.connection(message.conn);
      if (typeof why === 'string' || !connection || connection.pair !== pair) {
        refused(message, typeof why === 'string' ? why : 'unknown connection', connection, parts.audit);
        return undefined;
      }
      const { ip, port } = connection;
      const record = { ...why, id: newId(), conn: message.conn, pair, ip, port, at: parts.clock.now() };
      parts.audit.append({ event: 'login', ...who(record), door: pair, key: record.key });
      await parts.audit.durable();
      // Whose connection has gone by now has nothing to use it on, and nobody would forget it.
      if (parts.connection(message.conn) !== connection) return undefined;
      byId.set(record.id, record);
      return record.id;
    },
    get(id, conn, pair) {
      const record = byId.get(id);
      return record?.conn === conn && record.pair === pair ? record : undefined;
    },
    all: () => byId.values(),
    closed(conn) {
      noteTried(tried, parts.connection(conn), conn, parts.audit);
      for (const record of byId.values()) if (record.conn === conn) byId.delete(record.id);
    },
  };
}

interface Accepted {
  user: string;
  target: string;
  key: string;
}

async function judge(
  message: Extract<FromDoor, { type: 'login' }>,
  seen: Set<string>,
  parts: LoginParts,
): Promise<Accepted | string> {
  const { authority, clock } = parts;
  const proof = {
    algo: message.algo,
    keyType: message.keyType,
    keyBlob: Buffer.from(message.key, 'base64'),
    signedBlob: Buffer.from(message.signed, 'base64'),
    signature: Buffer.from(message.signature, 'base64'),
  };
  const name = parseLoginName(message.name);
  if (verifyProof(proof, { user: message.name }) !== true) return 'the signature does not hold';
  if (!once(seen, proof.signedBlob)) return 'the signature was used before';
  if (!name) return 'no such user';
  const key = fingerprint(message.key);
  if (!authority.usableKey(name.user, key)) return 'the key is not a key of this user';
  const against = standsAgainst({ user: name.user, key, target: name.target }, authority);
  if (against) return `${against.cause}${against.reason === undefined ? '' : `: ${against.reason}`}`;
  if (!Object.hasOwn(parts.targets(), name.target)) return `no target ${name.target}`;
  await parts.prepare(name.user);
  const connection = parts.connection(message.conn);
  if (!connection) return 'the connection is gone';
  if (!authority.user(name.user)) return 'no such user';
  const rights = await compileRights(
    authority.rightsFor({
      user: name.user,
      target: name.target,
      source: { ip: connection.ip },
      auth: { method: 'publickey', key },
      startedAt: clock.now(),
    }),
  );
  for (const question of [LOGIN_QUESTION, SESSION_QUESTION]) {
    const decision = rights.decide(question, clock.now());
    if (!decision.allow)
      return `@${question === LOGIN_QUESTION ? 'login' : 'session'} ${decision.rule?.id ?? decision.why}`;
  }
  return { user: name.user, target: name.target, key };
}

function once(seen: Set<string>, blob: Buffer): boolean {
  const digest = createHash('sha256').update(blob).digest('base64');
  if (seen.has(digest)) return false;
  seen.add(digest);
  if (seen.size > MAX_SEEN_BLOBS) for (const oldest of [...seen].slice(0, MAX_SEEN_BLOBS / 2)) seen.delete(oldest);
  return true;
}

export function fingerprint(keyBase64: string): string {
  const digest = createHash('sha256').update(Buffer.from(keyBase64, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** Who knocked with unknown keys only, and left: written down once for each connection. */
function noteTried(
  tried: Map<number, string>,
  connection: Connection | undefined,
  conn: number,
  audit: AuditLog,
): void {
  const user = tried.get(conn);
  tried.delete(conn);
  if (user === undefined || connection?.authenticated || !audit.healthy()) return;
  const source = connection && { source: `${connection.ip}:${connection.port}` };
  audit.append({ event: 'login-refused', user, ...source, reason: 'no key that was offered is known' });
}

function who(record: LoginRecord) {
  return { user: record.user, target: record.target, source: `${record.ip}:${record.port}` };
}

function refused(
  message: Extract<FromDoor, { type: 'login' }>,
  reason: string,
  connection: Connection | undefined,
  audit: AuditLog,
): void {
  const source = connection && { source: `${connection.ip}:${connection.port}` };
  audit.append({ event: 'login-refused', user: message.name, ...source, key: fingerprint(message.key), reason });
}
