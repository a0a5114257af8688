import { createHash } from 'node:crypto';
import type { Authority, FactorVerdict } from '../authority/index.js';
import type { Clock } from '../core/clock.js';
import { newId } from '../core/ids.js';
import { createLimiter, type Limiter } from '../mfa/index.js';
import { compileRights } from '../policy/index.js';
import type { RightsData } from '../policy/types.js';
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
  /** When the second factor was proved, where it was. */
  mfaAt?: number;
}

/** The login's id, or what is asked for besides; neither: refused. */
export interface LoginAnswer {
  login?: string;
  prompt?: string;
}

export interface Logins {
  probe(message: Extract<FromDoor, { type: 'probe' }>, pair: number): boolean;
  /** The login is durable in the audit log when its id is told. */
  login(message: Extract<FromDoor, { type: 'login' }>, pair: number): Promise<LoginAnswer>;
  /** What was typed on a connection whose key was good. */
  second(message: Extract<FromDoor, { type: 'second' }>, pair: number): Promise<LoginAnswer>;
  /** A second factor typed in a session; guesses are counted together with those at logins. */
  proveFactor(user: string, typed: string): Promise<FactorVerdict | { ok: false; why: 'wait' }>;
  /** How many more wrong codes are looked at, and after how many ms again. */
  guesses(user: string): { left: number; waitMs: number };
  /** A factor was proved on that connection after the login. */
  proved(conn: number, user: string, at: number): void;
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
  /** By connection: a good key that is not enough. */
  const halfway = new Map<number, Accepted>();
  const limiter = createLimiter(parts.clock);

  const accept = async (who: Accepted, connection: Connection, mfa?: SecondFactor): Promise<LoginAnswer> => {
    const record = recordOf(who, connection, parts.clock.now(), mfa);
    const data = mfa && { data: { mfa: mfa.by } };
    parts.audit.append({ event: 'login', ...whose(record), door: record.pair, key: record.key, ...data });
    await parts.audit.durable();
    // Whose connection has gone by now has nothing to use it on, and nobody would forget it.
    if (parts.connection(record.conn) !== connection) return {};
    byId.set(record.id, record);
    return { login: record.id };
  };

  return {
    // One path for every name: what exists shows in neither answer nor delay beyond the answer itself.
    probe(m, pair) {
      const known = authority.usableKey(m.user, fingerprint(m.key)) !== undefined;
      if (!known && parts.connection(m.conn)?.pair === pair) tried.set(m.conn, m.user);
      return known;
    },
    async login(message, pair) {
      const connection = connectionOf(message.conn, pair, parts);
      halfway.delete(message.conn);
      const who = connection ? identify(message, seen) : 'unknown connection';
      const verdict = typeof who === 'string' || !connection ? who : await judge(who, connection, undefined, parts);
      if (typeof who !== 'string' && connection && verdict === ALLOWED) return await accept(who, connection);
      if (typeof who !== 'string' && connection && verdict === MORE) {
        if (parts.connection(message.conn) === connection) halfway.set(message.conn, who);
        return { prompt: PROMPT };
      }
      refused({ name: message.name, key: fingerprint(message.key) }, String(verdict), connection, parts.audit);
      return {};
    },
    async second({ conn, typed }, pair) {
      const connection = connectionOf(conn, pair, parts);
      const who = halfway.get(conn);
      if (!connection || !who) return {};
      const by = await proveSecond(who.user, typed, limiter, parts);
      const mfa = by.ok ? { at: parts.clock.now(), by: by.by } : undefined;
      const verdict = mfa ? await judge(who, connection, mfa.at, parts) : `second factor: ${by.ok ? '' : WHY[by.why]}`;
      if (mfa && verdict === ALLOWED && halfway.delete(conn)) return await accept(who, connection, mfa);
      refused({ name: who.user, key: who.key }, String(verdict), connection, parts.audit);
      return {};
    },
    proveFactor: (user, typed) => proveSecond(user, typed, limiter, parts),
    guesses: (user) => ({ left: limiter.left(user), waitMs: limiter.wait(user) }),
    proved(conn, user, at) {
      for (const record of byId.values()) if (record.conn === conn && record.user === user) record.mfaAt = at;
    },
    get(id, conn, pair) {
      const record = byId.get(id);
      return record?.conn === conn && record.pair === pair ? record : undefined;
    },
    all: () => byId.values(),
    closed(conn) {
      noteTried(tried, parts.connection(conn), conn, parts.audit);
      halfway.delete(conn);
      for (const record of byId.values()) if (record.conn === conn) byId.delete(record.id);
    },
  };
}

const PROMPT = 'Verification code: ';
/** Verdicts beside a reason to refuse. */
const ALLOWED = Symbol('allowed');
const MORE = Symbol('allowed with a second factor');

const WHY = {
  wrong: 'wrong',
  used: 'used',
  none: 'none',
  wait: 'too many wrong codes, looked at no more for a while',
} as const;

interface SecondFactor {
  at: number;
  by: string;
}

function connectionOf(conn: number, pair: number, parts: LoginParts): Connection | undefined {
  const connection = parts.connection(conn);
  return connection?.pair === pair ? connection : undefined;
}

function recordOf(who: Accepted, { id, pair, ip, port }: Connection, at: number, mfa?: SecondFactor): LoginRecord {
  return { ...who, id: newId(), conn: id, pair, ip, port, at, ...(mfa && { mfaAt: mfa.at }) };
}

/** Bounded by user over all connections: a code is six digits. */
async function proveSecond(user: string, typed: string, limiter: Limiter, { authority }: LoginParts) {
  if (limiter.wait(user) > 0) return { ok: false, why: 'wait' } as const;
  const verdict = await authority.proveFactor(user, typed);
  if (verdict.ok) limiter.right(user);
  else limiter.wrong(user);
  return verdict;
}

interface Accepted {
  user: string;
  target: string;
  key: string;
}

/** Who it is, by a signature that holds; or why not. */
function identify(message: Extract<FromDoor, { type: 'login' }>, seen: Set<string>): Accepted | string {
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
  return name ? { user: name.user, target: name.target, key: fingerprint(message.key) } : 'no such user';
}

/** What the rules say to one who is who they say; a string says why not. */
async function judge(who: Accepted, connection: Connection, mfaAt: number | undefined, parts: LoginParts) {
  const { authority, clock } = parts;
  const { user, target, key } = who;
  if (!authority.usableKey(user, key)) return 'the key is not a key of this user';
  await parts.prepare(user);
  if (parts.connection(connection.id) !== connection) return 'the connection is gone';
  if (!authority.usableKey(user, key)) return 'the key is not a key of this user any more';
  const against = standsAgainst(who, authority);
  if (against) return `${against.cause}${against.reason === undefined ? '' : `: ${against.reason}`}`;
  if (!Object.hasOwn(parts.targets(), target)) return `no target ${target}`;
  const now = clock.now();
  const auth = { method: 'publickey', key };
  const query = { user, target, source: { ip: connection.ip }, auth, startedAt: now };
  const refusal = await refusalOf(authority.rightsFor({ ...query, ...(mfaAt === undefined ? {} : { mfaAt }) }), now);
  if (refusal === undefined) return ALLOWED;
  if (mfaAt !== undefined || (await refusalOf(authority.rightsFor({ ...query, mfaAt: now }), now)) !== undefined)
    return refusal;
  return authority.user(user)?.factor ? MORE : `${refusal}: a second factor would do, and the user has none`;
}

async function refusalOf(data: RightsData, now: number): Promise<string | undefined> {
  const rights = await compileRights(data);
  for (const question of [LOGIN_QUESTION, SESSION_QUESTION]) {
    const decision = rights.decide(question, now);
    if (!decision.allow)
      return `@${question === LOGIN_QUESTION ? 'login' : 'session'} ${decision.rule?.id ?? decision.why}`;
  }
  return undefined;
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

function whose(record: LoginRecord) {
  return { user: record.user, target: record.target, source: `${record.ip}:${record.port}` };
}

function refused(
  { name, key }: { name: string; key: string },
  reason: string,
  connection: Connection | undefined,
  audit: AuditLog,
): void {
  const source = connection && { source: `${connection.ip}:${connection.port}` };
  audit.append({ event: 'login-refused', user: name, ...source, key, reason });
}
