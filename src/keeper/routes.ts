import { escapeText } from '../core/escape.js';
import type { AuditLog } from '../store/index.js';
import type { FromDoor } from '../wire/door.js';
import type { GuardToKeeper } from '../wire/guard.js';
import type { DecisionEvent } from '../wire/types.js';
import type { Admission } from './admission.js';
import type { Endings } from './ending.js';
import type { Listener } from './listener.js';
import type { Logins } from './logins.js';
import type { Pair } from './pair.js';
import type { LiveSession, Registry } from './registry.js';
import type { Watchdog } from './watchdog.js';

export interface RouteParts {
  registry: Registry;
  logins: Logins;
  admission: Admission;
  endings: Endings;
  /** A door has answered a change of rights. */
  settled(sid: string, version: number): void;
  watchdog: Watchdog;
  audit: AuditLog;
  listener: () => Listener | undefined;
  fault(where: string, error: unknown): void;
}

/** What doors and guards say, each message checked against the session and the pair it may speak for. */
export function routeDoor(message: FromDoor, pair: Pair, parts: RouteParts): void {
  const { registry, logins, admission } = parts;
  switch (message.type) {
    case 'ready':
      return;
    case 'beat':
      for (const [sid, at] of message.inputs) noteInput(own(sid, pair, registry), at);
      return;
    case 'probe':
      pair.toDoor({ type: 'probed', re: message.q, ok: logins.probe(message) });
      return;
    case 'login':
      logins.login(message, pair.number).then(
        (login) => pair.toDoor({ type: 'logged-in', re: message.q, ...(login === undefined ? {} : { login }) }),
        (error) => {
          parts.fault('login', error);
          pair.toDoor({ type: 'logged-in', re: message.q });
        },
      );
      return;
    case 'admit':
      admission.admit(message, pair).then(
        (answer) =>
          pair.toDoor({
            type: 'admitted',
            re: message.q,
            ...(typeof answer === 'string' ? { refusal: escapeText(answer, 1000) } : { session: answer }),
          }),
        (error) => {
          parts.fault('admission', error);
          pair.toDoor({ type: 'admitted', re: message.q, refusal: 'the broker could not admit this session' });
        },
      );
      return;
    case 'go':
      launch(own(message.sid, pair, registry), parts);
      return;
    case 'settled':
      if (own(message.sid, pair, registry)) parts.settled(message.sid, message.version);
      return;
    case 'decisions':
      recordDecisions(own(message.sid, pair, registry), message.events, parts);
      return;
    case 'ended':
      noteEnded(own(message.sid, pair, registry), message, parts);
      return;
    case 'authenticated':
      parts.listener()?.authenticated(message.conn);
      return;
    case 'closed':
      parts.logins.closed(message.conn);
      parts.listener()?.closed(message.conn);
  }
}

/** A door speaks for its own sessions alone. */
function own(sid: string, pair: Pair, registry: Registry): LiveSession | undefined {
  const session = registry.get(sid);
  return session?.pair === pair ? session : undefined;
}

function noteInput(session: LiveSession | undefined, at: number): void {
  if (session && at > session.lastInputAt) session.lastInputAt = at;
}

function launch(session: LiveSession | undefined, parts: RouteParts): void {
  if (session?.state !== 'reserved') return;
  parts.admission.go(session).catch((error) => {
    parts.fault('launch', error);
    session.ordered ??= { cause: 'crashed', reason: 'the session could not be recorded and was not started' };
    void parts.endings.order(session, 'crashed', session.ordered.reason, session.version).then(() => {
      void parts.endings.finish(session, { cause: 'crashed' });
    });
  });
}

function recordDecisions(session: LiveSession | undefined, events: DecisionEvent[], parts: RouteParts): void {
  if (!session) return;
  for (const e of events) {
    session.commands += 1;
    if (!e.allow) session.denied += 1;
    parts.audit.append({
      event: 'decision',
      session: session.id,
      user: session.user,
      target: session.target,
      allow: e.allow,
      text: e.command,
      n: e.n,
      ...(e.rule === undefined ? {} : { rule: e.rule }),
      data: { gate: e.gate, why: e.why, at: new Date(e.at).toISOString(), ...(e.parent ? { parent: e.parent } : {}) },
    });
  }
}

function noteEnded(
  session: LiveSession | undefined,
  message: Extract<FromDoor, { type: 'ended' }>,
  parts: RouteParts,
): void {
  if (!session) return;
  const { cause, status, reason } = message;
  parts.watchdog.forget(session);
  void parts.endings.finish(session, { cause, status, ...(reason === undefined ? {} : { reason }) });
}

export function routeGuard(message: GuardToKeeper, pair: Pair, parts: RouteParts): void {
  switch (message.type) {
    case 'launched':
      noteLaunched(message, pair, parts);
      return;
    case 'failed':
      parts.fault(`session ${message.sid}`, new Error(message.message));
  }
}

function noteLaunched(message: Extract<GuardToKeeper, { type: 'launched' }>, pair: Pair, parts: RouteParts): void {
  const [pidfd] = pair.take(message.token);
  const session = own(message.sid, pair, parts.registry);
  if (pidfd === undefined) {
    pair.kill('the guard sent no process descriptor');
    return;
  }
  if (session?.state !== 'launching') {
    parts.endings.stray(pidfd);
    return;
  }
  session.pidfd = pidfd;
  session.state = 'live';
  parts.watchdog.watch(session);
  if (session.ordered) void parts.endings.force(session);
}

/** A pair is gone: its sessions ended with it, by the kernel; each is proved dead and written down. */
export function routeDown(pair: Pair, why: string, parts: RouteParts): void {
  for (const session of parts.registry.ofPair(pair)) {
    parts.watchdog.forget(session);
    session.ordered ??= { cause: 'crashed', reason: why };
    void parts.endings.finish(session, { cause: 'crashed' });
  }
  parts.listener()?.lost(pair.number);
}
