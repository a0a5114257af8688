import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import type { Session, Started, SupervisorPort } from '../session/index.js';
import { type FromDoor, MAX_EVENTS_PER_MESSAGE, type ToDoor } from '../wire/door.js';
import type { Link } from '../wire/frames.js';
import type { DoorToGuard, GuardToDoor } from '../wire/guard.js';
import type { Admitted, DecisionEvent, Proved, PtySize, Review } from '../wire/types.js';

type StartedMessage = Extract<GuardToDoor, { type: 'started' }>;
/** What the keeper says about sessions. */
type DeskMessage = Extract<ToDoor, { type: 'rights' | 'end' | 'notice' | 'tree' | 'watched' | 'answered' }>;

/** One admitted session and what is known of its processes. */
interface Entry {
  admitted: Admitted;
  pty: PtySize | undefined;
  session: Session | undefined;
  started: (parts: Started) => void;
  failed: (error: Error) => void;
  gone: () => void;
  /** The last input the keeper was told of. */
  toldInput?: number;
}

export interface Desk {
  /** Registers an admitted session before its launch is ordered, so that nothing said about it is missed. */
  open(admitted: Admitted, pty: PtySize | undefined): Slot;
  fromGuard(message: GuardToDoor): void;
  fromKeeper(message: DeskMessage): void;
  /** Sessions in which somebody typed since the last call, and when. */
  inputs(): [string, number][];
  count(): number;
}

export interface Slot {
  supervisor: SupervisorPort;
  /** Orders the launch and waits for the guard. */
  launch(): Promise<Started>;
  attach(session: Session): void;
}

export interface DeskParts {
  clock: Clock;
  keeper: () => Link<FromDoor>;
  guard: () => Link<DoorToGuard>;
  /** Puts what was typed to the keeper; rejects when it does not answer. */
  prove(sid: string, typed: string | undefined): Promise<Proved>;
  ask(sid: string, review: Review): ReturnType<SupervisorPort['ask']>;
  /** Turns the guard's descriptors into the session's parts. */
  receive(message: StartedMessage, admitted: Admitted | undefined, pty: PtySize | undefined): Started;
}

const NOT_STARTED = 'the session could not be started; the log of the broker says why: ask its admins';

/** Routes what guard and keeper say to the session it is about. */
export function createDesk(parts: DeskParts): Desk {
  const entries = new Map<string, Entry>();
  return {
    open: (admitted, pty) => openSlot(admitted, pty, entries, parts),
    fromGuard: (message) => routeGuard(message, entries, parts),
    fromKeeper: (message) => routeKeeper(message, entries, parts),
    inputs: () => inputsOf(entries),
    count: () => entries.size,
  };
}

function inputsOf(entries: Map<string, Entry>): [string, number][] {
  const inputs: [string, number][] = [];
  for (const [sid, entry] of entries) {
    const at = entry.session?.lastInputAt();
    if (at === undefined || at === entry.toldInput) continue;
    entry.toldInput = at;
    inputs.push([sid, at]);
  }
  return inputs;
}

function openSlot(admitted: Admitted, pty: PtySize | undefined, entries: Map<string, Entry>, parts: DeskParts): Slot {
  const sid = admitted.id;
  let gone = () => {};
  const allGone = new Promise<void>((resolve) => {
    gone = resolve;
  });
  let started: (s: Started) => void = () => {};
  let failed: (e: Error) => void = () => {};
  const start = new Promise<Started>((resolve, reject) => {
    started = resolve;
    failed = reject;
  });
  start.catch(() => {});
  const entry: Entry = { admitted, pty, session: undefined, started, failed, gone };
  entries.set(sid, entry);
  return {
    supervisor: {
      end: () => void parts.guard().send({ type: 'end', sid }),
      endPrograms: (n, images) => void parts.guard().send({ type: 'end-images', sid, n, images }),
      hold: (q) => void parts.guard().send({ type: 'hold', sid, q }),
      prove: (typed) => parts.prove(sid, typed),
      ask: (review) => parts.ask(sid, review),
      withdraw: (id) => void parts.keeper().send({ type: 'withdraw', sid, id }),
      verdict: (q, allow, children) => void parts.guard().send({ type: 'verdict', q, allow, children }),
      gone: allGone,
      decisions: (events) => sendDecisions(sid, events, parts),
    },
    async launch() {
      if (!parts.keeper().send({ type: 'go', sid })) throw new SallyportError('failed', 'the broker is not reachable');
      return start;
    },
    attach(session) {
      entry.session = session;
      void session.ended.then((end) => {
        entries.delete(sid);
        parts.keeper().send({ type: 'ended', sid, ...end });
      });
    },
  };
}

function sendDecisions(sid: string, events: DecisionEvent[], parts: DeskParts): void {
  for (let at = 0; at < events.length; at += MAX_EVENTS_PER_MESSAGE)
    parts.keeper().send({ type: 'decisions', sid, events: events.slice(at, at + MAX_EVENTS_PER_MESSAGE) });
}

function routeGuard(message: GuardToDoor, entries: Map<string, Entry>, parts: DeskParts): void {
  const entry = entries.get(message.sid);
  switch (message.type) {
    case 'started':
      receiveStarted(message, entry, parts);
      return;
    case 'failed':
      // The keeper has heard it too, and logs it: paths and errno are not the engineer's.
      entry?.failed(new SallyportError('failed', NOT_STARTED, message.message));
      entry?.gone();
      return;
    case 'ask':
      if (entry?.session) entry.session.ask(message);
      else parts.guard().send({ type: 'verdict', q: message.q, allow: false, children: 'none' });
      return;
    case 'held':
      entry?.session?.kept(message.q, message.front);
      return;
    case 'lost':
      entry?.session?.lost(message.q);
      return;
    case 'over':
      entry?.session?.programsOver(message.images);
      return;
    case 'images-ended':
      entry?.session?.programsEnded(message.n, message.images, message.front);
      return;
    case 'tree':
      if (entry?.session) sendTree(message, entry.session, parts);
      return;
    case 'note':
      entry?.session?.note(message);
      return;
    case 'full':
      entry?.session?.notice(
        `sallyport: this session has ${message.processes} processes, the most allowed: no more are started`,
      );
      return;
    case 'exited':
      entry?.session?.exited(message.status);
      return;
    case 'gone':
      entry?.failed(new SallyportError('failed', 'the session ended before it began'));
      entry?.gone();
  }
}

function sendTree(message: Extract<GuardToDoor, { type: 'tree' }>, session: Session, parts: DeskParts): void {
  const processes = message.processes.map(session.describe);
  parts.keeper().send({ type: 'tree', re: message.n, processes, more: message.more });
}

/** At once, in the order of the messages: that is the order on the lane. Nobody waiting: closed again. */
function receiveStarted(message: StartedMessage, entry: Entry | undefined, parts: DeskParts): void {
  try {
    const started = parts.receive(message, entry?.admitted, entry?.pty);
    if (entry) entry.started(started);
    else started.discard();
  } catch (error) {
    entry?.failed(new SallyportError('failed', 'the session could not be handed over', messageOf(error)));
    parts.guard().send({ type: 'end', sid: message.sid });
  }
}

function routeKeeper(message: DeskMessage, entries: Map<string, Entry>, parts: DeskParts): void {
  if (message.type === 'notice') {
    const { sid, text } = message;
    for (const entry of sid === undefined ? entries.values() : [entries.get(sid)]) entry?.session?.notice(text);
    return;
  }
  if (message.type === 'answered') {
    const { sid, id, ok, by, why } = message;
    const said = { ...(by === undefined ? {} : { by }), ...(why === undefined ? {} : { why }) };
    entries.get(sid)?.session?.answered({ id, ok, ...said });
    return;
  }
  if (message.type === 'watched') {
    entries.get(message.sid)?.session?.watched(message);
    return;
  }
  if (message.type === 'tree') {
    // Answered by the guard under the keeper's own number.
    parts.guard().send({ type: 'tree', sid: message.sid, n: message.q });
    return;
  }
  const { sid, version } = message;
  const session = entries.get(sid)?.session;
  const settled = (outcome: 'changed' | 'ended', programs = 0) =>
    parts.keeper().send({ type: 'settled', sid, version, outcome, cause: message.cause, programs });
  if (!session) {
    settled('ended');
    return;
  }
  if (message.type === 'end') {
    const why = message.reason === undefined ? '' : ` (${message.reason})`;
    entries.get(sid)?.failed(new SallyportError('refused', `session closed: ${message.cause}${why}`));
    session.end(message.cause, message.reason);
    void session.ended.then(() => settled('ended'));
    return;
  }
  const { cause, because } = message;
  const applied = session.applyRights(message.rights, version, message.deadlines, { cause, because });
  applied.then(
    ({ outcome, programs }) => {
      if (outcome === 'changed') return settled('changed', programs);
      // One that has not begun waits for its start; one that has does not hear it.
      entries.get(sid)?.failed(new SallyportError('refused', `session closed: ${cause}`));
      void session.ended.then(() => settled('ended'));
    },
    () => {
      session.end('crashed', 'the new rights could not be applied');
      void session.ended.then(() => settled('ended'));
    },
  );
}
