import { join } from 'node:path';
import type { Authority } from '../authority/index.js';
import type { Config } from '../config/index.js';
import { administrationWords } from '../control/administration.js';
import type { Clock } from '../core/clock.js';
import { newId } from '../core/ids.js';
import { meansOwn } from '../core/names.js';
import { lineGateShell } from '../core/shells.js';
import { groupsOf } from '../os/files.js';
import { compileRights } from '../policy/index.js';
import type { Rights, RightsData } from '../policy/types.js';
import { recordingPath } from '../record/index.js';
import { DEFAULT_TARGET } from '../ssh/index.js';
import type { AuditLog } from '../store/index.js';
import type { FromDoor } from '../wire/door.js';
import type { Admitted } from '../wire/types.js';
import { type Placement, placeUser } from './accounts.js';
import type { Administration } from './administration.js';
import { deniedOf } from './denied.js';
import type { Endings } from './ending.js';
import { standsAgainst } from './live.js';
import type { LoginRecord, Logins } from './logins.js';
import type { Pair } from './pair.js';
import { entryAbout, type LiveSession, type Registry } from './registry.js';
import { launchLimits, sessionDeadlines } from './terms.js';

type AdmitMessage = Extract<FromDoor, { type: 'admit' }>;

/** How long rights are read anew because they changed while they were compiled, before the engineer is asked to retry. Unit: ms. */
const MAX_READING_MS = 10_000;

/** What our own command line may use, whoever asks. It writes no file at all. */
const ADMINISTRATION_LIMITS = { processes: 64, memory: 2 * 1024 ** 3, openFiles: 256, fileSize: 0, core: 0 };

export interface AdmissionParts {
  authority: Authority;
  audit: AuditLog;
  /** As it is now; a reload replaces it. */
  config: { readonly current: Config };
  clock: Clock;
  registry: Registry;
  logins: Logins;
  endings: Endings;
  isolation: 'account' | 'sandbox';
  doorUid: number | undefined;
  /** Broker directories no session may see. */
  hide: string[];
  /** Undefined: the broker takes no admin commands yet. */
  administration(): Administration | undefined;
  /** Why nobody is admitted now; undefined: the door is open. */
  closed(): string | undefined;
  markLive(session: LiveSession): Promise<void>;
  /** Brings a session that starts, and its door, up to the rights of now; resolves to why it may not start under them. */
  renew(session: LiveSession): Promise<string | undefined>;
  /** Sees to it that a reservation which does not become a session ends. */
  expect(session: LiveSession): void;
}

export interface Admission {
  /** Decides and reserves; a string is the refusal the engineer reads. */
  admit(message: AdmitMessage, pair: Pair): Promise<Admitted | string>;
  /** The door is ready: record, look once more that nothing changed, and order the launch. */
  go(session: LiveSession): Promise<void>;
}

export function createAdmission(parts: AdmissionParts): Admission {
  return {
    admit: (message, pair) => admit(message, pair, parts),
    go: (session) => go(session, parts),
  };
}

async function admit(
  message: AdmitMessage,
  pair: Pair,
  parts: AdmissionParts,
  until = parts.clock.mono() + MAX_READING_MS,
): Promise<Admitted | string> {
  const { authority, logins } = parts;
  const login = logins.get(message.login, message.conn, pair.number);
  if (!login) return 'not logged in';
  const startedAt = parts.clock.now();
  const version = authority.version();
  const rights = rightsOf(login, startedAt, authority);
  if (typeof rights === 'string') return rights;
  const compiled = await compileRights(rights);
  // From here to the registration nothing waits: what is decided is what is reserved, and it is what is true now.
  if (authority.version() !== version) {
    if (parts.clock.mono() < until) return await admit(message, pair, parts, until);
    return 'rights change faster than they can be read: try again';
  }
  if (logins.get(message.login, message.conn, pair.number) !== login) return 'not logged in';
  const administration = login.target === DEFAULT_TARGET ? administrationWords(message.command) : undefined;
  const what = { kind: message.kind, administration };
  const refusal = refuse(what, login, compiled, pair, parts, message.command);
  if (refusal !== undefined) {
    auditRefusal(login, refusal, parts.audit);
    return refusal;
  }
  const user = parts.authority.user(login.user);
  const placed = user
    ? placeUser(user, parts.isolation, parts.config.current, parts.doorUid, administration === undefined)
    : 'no such user';
  const unfit = typeof placed === 'string' ? placed : unfitForLines(message, placed, parts.config.current);
  if (typeof placed === 'string' || unfit !== undefined) {
    auditRefusal(login, unfit ?? '', parts.audit);
    return unfit ?? '';
  }
  const own = administration && { administration };
  const session = reserve({ message, login, rights, compiled, placed, pair, startedAt, ...own }, parts);
  parts.registry.add(session);
  parts.expect(session);
  return admitted(session, parts);
}

function rightsOf(login: LoginRecord, startedAt: number, authority: Authority): RightsData | string {
  if (!authority.user(login.user)) return 'revoked: the user was removed';
  return authority.rightsFor({
    user: login.user,
    target: login.target,
    source: { ip: login.ip },
    auth: { method: 'publickey', key: login.key },
    startedAt,
    ...(login.mfaAt === undefined ? {} : { mfaAt: login.mfaAt }),
  });
}

function refuse(
  what: Parameters<typeof deniedOf>[0],
  login: LoginRecord,
  rights: Rights,
  pair: Pair,
  parts: AdmissionParts,
  command: string | undefined,
): string | undefined {
  const { authority, clock, config, registry } = parts;
  const closed = parts.closed();
  if (closed !== undefined) return closed;
  if (!pair.ready) return 'this door is closing; connect again';
  const against = standsAgainst(login, authority);
  if (against) return `${against.cause}${against.reason === undefined ? '' : `: ${against.reason}`}`;
  const denied = deniedOf(what, rights, clock.now());
  if (denied !== undefined) return `${denied}${hintFor(command)}`;
  if (registry.ofUser(login.user).length >= config.current.limits.sessionsPerUser)
    return `${login.user} has ${config.current.limits.sessionsPerUser} sessions open, the most allowed: close one first`;
  return undefined;
}

/** For a command that was meant for us and is a shell's. */
const hintFor = (command = '') =>
  meansOwn(command) && administrationWords(command) === undefined
    ? '; sallyport over ssh takes plain words alone, and ssh takes one pair of quotes away: quote twice'
    : '';

function auditRefusal(login: LoginRecord, reason: string, audit: AuditLog): void {
  const source = `${login.ip}:${login.port}`;
  audit.append({ event: 'session-refused', user: login.user, target: login.target, source, reason });
}

/** Without an exec gate a shell whose lines nobody sees is not launched. */
function unfitForLines(message: AdmitMessage, { account }: Placement, config: Config): string | undefined {
  if (config.gate === 'exec' || message.kind === 'exec') return undefined;
  if (lineGateShell(account.shell) !== 'bash')
    return `only bash is launched under gate: line-only, and the shell here is ${account.shell}`;
  return message.pty ? undefined : 'a shell needs a terminal under gate: line-only (ssh -t)';
}

interface Decided {
  message: AdmitMessage;
  login: LoginRecord;
  rights: RightsData;
  compiled: Rights;
  placed: Placement;
  pair: Pair;
  startedAt: number;
  administration?: string[];
}

function reserve(d: Decided, parts: AdmissionParts): LiveSession {
  const { message, login, rights, compiled, placed, pair, startedAt, administration } = d;
  const id = newId();
  let settleOver = () => {};
  const over = new Promise<void>((resolve) => {
    settleOver = resolve;
  });
  return {
    id,
    user: login.user,
    account: placed.account,
    target: login.target,
    kind: message.kind,
    ...(message.command === undefined ? {} : { command: message.command }),
    ...(message.pty === undefined ? {} : { pty: message.pty }),
    ...(administration === undefined ? {} : { administration }),
    env: sshEnv(message, login, parts.config.current),
    source: `${login.ip}:${login.port}`,
    conn: message.conn,
    key: login.key,
    pair,
    startedAt,
    recording: recordingPath(join(parts.config.current.home, 'recordings'), id, startedAt),
    ...(placed.privateHome === undefined ? {} : { privateHome: placed.privateHome }),
    state: 'reserved',
    rights,
    told: rights,
    compiled,
    deadlines: sessionDeadlines(parts.config.current, rights, compiled, startedAt, parts.clock.now()),
    version: parts.authority.version(),
    lastInputAt: startedAt,
    inputMono: parts.clock.mono(),
    turns: 0,
    commands: 0,
    denied: 0,
    over,
    settleOver,
  };
}

/** As sshd sets it, so that scripts find what they look for. */
function sshEnv(message: AdmitMessage, login: LoginRecord, config: Config): Record<string, string> {
  const { host, port } = config.listen;
  return {
    ...message.env,
    SSH_CLIENT: `${login.ip} ${login.port} ${port}`,
    SSH_CONNECTION: `${login.ip} ${login.port} ${host} ${port}`,
  };
}

function admitted(s: LiveSession, parts: AdmissionParts): Admitted {
  const { id, user, target, kind, rights, version, deadlines, startedAt, recording, command } = s;
  const lineGate = s.kind === 'shell' && s.pty !== undefined && lineGateShell(s.account.shell) !== undefined;
  return {
    id,
    user,
    account: s.account.name,
    target,
    kind,
    rights,
    version,
    deadlines,
    startedAt,
    recording,
    gate: parts.config.current.gate,
    lineGate,
    shell: s.account.shell,
    identity: { uid: s.account.uid, gids: groupsOf(s.account.name, s.account.gid) },
    source: s.source,
    ...(s.pty === undefined ? {} : { term: s.pty.term }),
    ...(command === undefined ? {} : { command }),
    ...(s.administration === undefined ? {} : { administration: true }),
  };
}

async function go(s: LiveSession, parts: AdmissionParts): Promise<void> {
  const { audit, authority, endings } = parts;
  s.state = 'starting';
  s.marked = parts.markLive(s);
  await s.marked;
  if (!isStarting(s)) return;
  audit.append({
    event: 'session-start',
    ...entryAbout(s),
    key: s.key,
    data: { kind: s.kind, recording: s.recording, ...(s.administration && { administration: true }) },
    ...(s.command === undefined ? {} : { text: s.command }),
  });
  await audit.durable();
  if (!isStarting(s)) return;
  const against = await standing(s, parts);
  if (!isStarting(s)) return;
  if (against !== undefined) {
    await endings.order(s, against.cause, against.reason, authority.version());
    await endings.finish(s, against);
    return;
  }
  s.state = 'launching';
  if (s.administration) launchAdministration(s, s.administration, parts);
  else s.pair.toGuard(launchOrder(s, parts));
}

function launchAdministration(s: LiveSession, words: readonly string[], parts: AdmissionParts): void {
  const administration = parts.administration();
  if (!administration) throw new Error('no admin commands are taken yet');
  const token = `a-${s.id}`;
  administration.connect(s, (fds) => {
    s.pair.give(token, fds);
    const { limits, ...order } = launchOrder(s, parts);
    const own = { ...ADMINISTRATION_LIMITS, nice: limits.nice };
    s.pair.toGuard({ ...order, limits: own, administration: { words: [...words], token } });
  });
}

/**
 * Brings a session that is being started up to what is true now, however often that changes: it starts under those rights or
 * not at all. Nothing waits between the last look and the return.
 */
async function standing(s: LiveSession, parts: AdmissionParts): Promise<ReturnType<typeof standsAgainst>> {
  const { authority, clock } = parts;
  for (;;) {
    const closed = parts.closed();
    if (closed !== undefined) return { cause: 'shutdown', reason: closed };
    const against = standsAgainst(s, authority);
    if (against) return against;
    if (authority.version() === s.version) break;
    const refused = await parts.renew(s);
    if (refused !== undefined) return { cause: 'revoked', reason: refused };
    if (!isStarting(s)) return undefined;
  }
  const denied = deniedOf(s, s.compiled, clock.now());
  return denied === undefined ? undefined : { cause: 'deadline', reason: denied };
}

function launchOrder(s: LiveSession, parts: AdmissionParts) {
  return {
    type: 'launch' as const,
    sid: s.id,
    kind: s.kind,
    account: s.account,
    env: s.env,
    recording: s.recording,
    lineGate: s.kind === 'shell' && s.pty !== undefined,
    hide: [...parts.hide, ...parts.config.current.hide],
    deadline: s.deadlines.hardAt,
    ...launchLimits(parts.config.current, s.rights, parts.clock.now()),
    ...(s.command === undefined ? {} : { command: s.command }),
    ...(s.pty === undefined ? {} : { pty: s.pty }),
    ...(s.privateHome === undefined ? {} : { privateHome: s.privateHome }),
  };
}

/** Read anew after a wait, where the compiler would remember the earlier answer. */
function isStarting(s: LiveSession): boolean {
  return s.state === 'starting';
}
