import type { Clock } from '../core/clock.js';
import { escapeText } from '../core/escape.js';
import type { AuditLog } from '../store/index.js';
import type { FromDoor } from '../wire/door.js';
import type { GuardToKeeper } from '../wire/guard.js';
import type { DecisionEvent } from '../wire/types.js';
import type { Admission } from './admission.js';
import type { Endings } from './ending.js';
import type { Listener } from './listener.js';
import type { LoginAnswer, Logins } from './logins.js';
import type { Pair } from './pair.js';
import type { Prover } from './prove.js';
import type { LiveSession, Registry } from './registry.js';
import type { RunningReviews } from './reviews/reviews.js';
import type { Trees } from './trees.js';
import type { Watchdog } from './watchdog.js';

export interface RouteParts {
  clock: Clock;
  registry: Registry;
  logins: Logins;
  admission: Admission;
  endings: Endings;
  /** A door has answered a change of rights. */
  settled(sid: string, version: number, answer: { outcome: 'changed' | 'ended'; programs: number }): void;
  prove: Prover;
  trees: Trees;
  reviews: RunningReviews;
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
      for (const [sid, at] of message.inputs) noteInput(own(sid, pair, registry), at, parts.clock);
      return;
    case 'probe':
      pair.toDoor({ type: 'probed', re: message.q, ok: logins.probe(message, pair.number) });
      return;
    case 'login':
      answerLogin(logins.login(message, pair.number), message.q, pair, parts);
      return;
    case 'second':
      answerLogin(logins.second(message, pair.number), message.q, pair, parts);
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
      if (own(message.sid, pair, registry)) noteSettled(message, parts);
      return;
    case 'decisions':
      recordDecisions(own(message.sid, pair, registry), message.events, parts);
      return;
    case 'ended':
      noteEnded(own(message.sid, pair, registry), message, parts);
      return;
    case 'tree':
      parts.trees.answer(message, pair);
      return;
    case 'ask':
      askOthers(message, pair, parts);
      return;
    case 'withdraw':
      withdraw(message, pair, parts);
      return;
    case 'prove':
      answerProof(own(message.sid, pair, registry), message, pair, parts);
      return;
    case 'authenticated':
      if (ownConnection(message.conn, pair, parts)) parts.listener()?.authenticated(message.conn);
      return;
    case 'closed':
      if (ownConnection(message.conn, pair, parts)) forgetConnection(message.conn, parts);
  }
}

function noteSettled(message: Extract<FromDoor, { type: 'settled' }>, { settled }: RouteParts): void {
  const { sid, version, outcome, programs = 0 } = message;
  settled(sid, version, { outcome, programs });
}

function askOthers(message: Extract<FromDoor, { type: 'ask' }>, pair: Pair, { registry, reviews }: RouteParts): void {
  const session = own(message.sid, pair, registry);
  if (session) reviews.ask(message, session);
  else pair.toDoor({ type: 'asked', re: message.q, refusal: 'no such session' });
}

function withdraw({ sid, id }: { sid: string; id: string }, pair: Pair, { registry, reviews }: RouteParts): void {
  const session = own(sid, pair, registry);
  if (session) reviews.withdraw(id, session);
}

function answerLogin(answer: Promise<LoginAnswer>, re: number, pair: Pair, parts: RouteParts): void {
  answer.then(
    (fields) => pair.toDoor({ type: 'logged-in', re, ...fields }),
    (error) => {
      parts.fault('login', error);
      pair.toDoor({ type: 'logged-in', re });
    },
  );
}

function answerProof(
  session: LiveSession | undefined,
  message: Extract<FromDoor, { type: 'prove' }>,
  pair: Pair,
  parts: RouteParts,
): void {
  const re = message.q;
  const refused = { type: 'proved', re, ok: false, left: 0 } as const;
  if (session?.state !== 'live') {
    pair.toDoor(refused);
    return;
  }
  parts.prove(session, message).then(
    (proved) => pair.toDoor({ type: 'proved', re, ...proved }),
    (error) => {
      parts.fault('second factor', error);
      pair.toDoor(refused);
    },
  );
}

function ownConnection(conn: number, pair: Pair, { listener }: RouteParts): boolean {
  return listener()?.connection(conn)?.pair === pair.number;
}

function forgetConnection(conn: number, { logins, listener }: RouteParts): void {
  logins.closed(conn);
  listener()?.closed(conn);
}

/** A door speaks for its own sessions alone. */
function own(sid: string, pair: Pair, registry: Registry): LiveSession | undefined {
  const session = registry.get(sid);
  return session?.pair === pair ? session : undefined;
}

/** `at` is the door's wall time: that it is another one counts, and it is shown; how late it is does not count. */
function noteInput(session: LiveSession | undefined, at: number, clock: Clock): void {
  if (!session || at === session.heardInput) return;
  session.heardInput = at;
  session.lastInputAt = Math.max(session.startedAt, Math.min(at, clock.now()));
  session.inputMono = clock.mono();
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
  try {
    for (const e of events) recordDecision(session, e, parts.audit);
  } catch (error) {
    // The log's own failure handler ends every session.
    parts.fault('audit', error);
  }
}

function recordDecision(session: LiveSession, e: DecisionEvent, audit: AuditLog): void {
  if (e.ended === undefined) {
    session.commands += 1;
    if (!e.allow) session.denied += 1;
  }
  audit.append({
    event: 'decision',
    session: session.id,
    user: session.user,
    target: session.target,
    allow: e.allow,
    text: e.command,
    n: e.n,
    ...(e.rule === undefined ? {} : { rule: e.rule }),
    data: {
      gate: e.gate,
      why: e.why,
      at: new Date(e.at).toISOString(),
      ...(e.parent ? { parent: e.parent } : {}),
      ...(e.ended ? { ended: e.ended } : {}),
    },
  });
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
      noteFailed(message, pair, parts);
      return;
    case 'gone':
      noteGone(own(message.sid, pair, parts.registry), parts);
  }
}

/** What was not launched is over, whether its door says so or not. */
function noteFailed({ sid, message }: { sid: string; message: string }, pair: Pair, parts: RouteParts): void {
  parts.fault(`session ${sid}`, new Error(message));
  const session = own(sid, pair, parts.registry);
  if (session?.state === 'launching') void parts.endings.finish(session, { cause: 'crashed', reason: message });
}

function noteGone(session: LiveSession | undefined, parts: RouteParts): void {
  if (session) parts.watchdog.gone(session);
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
  for (const conn of parts.listener()?.connectionsOf(pair.number) ?? []) forgetConnection(conn, parts);
}
