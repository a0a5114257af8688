/** Commands that wait for another person's yes: asked by doors, answered by admins, and ended by whatever makes an answer useless. */
import { type Change, overWords } from '../../authority/index.js';
import type { Config } from '../../config/index.js';
import type { Reviews, Taken } from '../../control/reviews.js';
import type { Clock, Timer } from '../../core/clock.js';
import { SallyportError } from '../../core/errors.js';
import { escapeText } from '../../core/escape.js';
import type { AuditLog } from '../../store/index.js';
import type { FromDoor } from '../../wire/door.js';
import type { LiveSession } from '../registry.js';
import type { Watchdog } from '../watchdog.js';
import { type Book, createBook, type Ending, type Entry } from './book.js';
import { endedEntry, requestEntry } from './entries.js';
import { type StandingParts, standing } from './standing.js';

type Ask = Extract<FromDoor, { type: 'ask' }>;

export interface ReviewsParts extends StandingParts {
  audit: AuditLog;
  config: { readonly current: Config };
  watchdog: Pick<Watchdog, 'expect'>;
  fault(where: string, error: unknown): void;
}

export interface RunningReviews extends Reviews {
  /** What a door asks about a session of its own; answered with `asked`. */
  ask(message: Ask, session: LiveSession): void;
  /** The person waits no more. */
  withdraw(id: string, session: LiveSession): void;
  stop(): void;
}

export function createReviews(parts: ReviewsParts): RunningReviews {
  const { authority, fault } = parts;
  const scene: Scene = { ...parts, book: createBook(parts.clock), timers: new Map() };
  const again = createSweep(parts.clock, (entry) => look(entry, scene));
  const stopListening = authority.onChange((change) => again(concerned(change, scene.book)));
  return {
    list: (all) => scene.book.list(all),
    take: (id, by) => take(id, by, scene),
    ask(message, session) {
      ask(message, session, scene).catch((error) => {
        fault('asking for an approval', error);
        session.pair.toDoor({ type: 'asked', re: message.q, refusal: 'nobody could be asked' });
      });
    },
    withdraw(id, session) {
      const entry = scene.book.get(id);
      if (entry?.session === session.id) end(entry, { state: 'withdrawn', why: 'nobody waits for it any more' }, scene);
    },
    stop() {
      stopListening();
      for (const timer of scene.timers.values()) timer.cancel();
    },
  };
}

interface Scene extends ReviewsParts {
  book: Book;
  /** The next moment at which time alone ends an entry, or may. */
  timers: Map<string, Timer>;
}

async function ask(message: Ask, session: LiveSession, scene: Scene): Promise<void> {
  const refuse = (refusal: string) =>
    void session.pair.toDoor({ type: 'asked', re: message.q, refusal: escapeText(refusal, 1_000) });
  const { book, config, clock, audit } = scene;
  const { gate, text, digest, rule, reason, questions } = message;
  const { waitMs, perUser } = config.current.approvals;
  const { id, user, target } = session;
  const more = { ...(digest === undefined ? {} : { digest }), ...(rule === undefined ? {} : { rule }) };
  const why = reason === undefined ? {} : { reason: escapeText(reason, 1_200) };
  const draft = { user, session: id, target, gate, text: escapeText(text, 1_200), ...more, ...why, questions };
  const entry = await standing(draft, clock.now() + waitMs, undefined, scene, (answer) => {
    const entered = answer.helps ? book.enter(draft, { waitMs, perUser }) : answer.why;
    if (typeof entered !== 'string') audit.append(requestEntry(entered, session));
    return entered;
  });
  if (typeof entry === 'string') return refuse(entry);
  void session.over.then(() => {
    end(entry, { state: 'withdrawn', why: 'its session has ended' }, scene);
  });
  await audit.durable();
  if (!book.open(entry)) return refuse(entry.why ?? 'it has ended');
  session.pair.toDoor({ type: 'asked', re: message.q, id: entry.id, expiresAt: entry.expiresAt });
  if (session.state === 'reserved') scene.watchdog.expect(session, waitMs);
  await look(entry, scene);
}

/** Decides anew whether an answer would still count; if so, again when time may have changed it. */
async function look(entry: Entry, scene: Scene): Promise<void> {
  try {
    await standing(entry, entry.expiresAt, undefined, scene, (answer) => {
      if (isLate(entry, scene)) end(entry, LATE, scene);
      else if (!answer.helps) end(entry, { state: 'refused', why: answer.why }, scene);
      else watch(entry, answer.until, scene);
    });
  } catch (error) {
    scene.fault('an approval', error);
    end(entry, { state: 'refused', why: 'it could not be decided anew' }, scene);
  }
}

const LATE: Ending = { state: 'expired', why: 'nobody answered in time' };
const isLate = ({ expiresAt }: Entry, { clock }: Scene) => clock.now() >= expiresAt;

function watch(entry: Entry, until: number, scene: Scene): void {
  const { clock, timers, book } = scene;
  timers.get(entry.id)?.cancel();
  timers.delete(entry.id);
  if (book.get(entry.id)?.state !== 'waiting') return;
  // At least 1 ms: a timer that fires a little early must not spin.
  const delay = Math.max(1, Math.min(until, entry.expiresAt) - clock.now());
  timers.set(
    entry.id,
    clock.after(delay, () => void look(entry, scene)),
  );
}

/** The one end of an entry: nobody can answer it from here on, and its door hears so when that is on disk. */
function end(entry: Entry, ending: Ending, scene: Scene): boolean {
  const wasOpen = entry.state === 'waiting';
  if (!scene.book.end(entry, ending)) return false;
  scene.timers.get(entry.id)?.cancel();
  scene.timers.delete(entry.id);
  tellEnd(entry, wasOpen, ending, scene).catch((error) => scene.fault('an approval', error));
  return true;
}

async function tellEnd(entry: Entry, wasOpen: boolean, { state, by, why }: Ending, scene: Scene): Promise<void> {
  const { audit, registry, watchdog } = scene;
  // What an admin did is written before they do it.
  if (by === undefined) {
    audit.append(endedEntry(entry, state, why));
    await audit.durable();
  }
  const session = registry.get(entry.session);
  if (!session || !wasOpen) return;
  if (session.state === 'reserved') watchdog.expect(session);
  // Who withdrew it waits for no answer.
  if (state === 'withdrawn') return;
  session.pair.toDoor({
    type: 'answered',
    sid: entry.session,
    id: entry.id,
    ok: state === 'approved',
    ...(by === undefined ? {} : { by }),
    ...(why === undefined ? {} : { why: escapeText(why, 1_000) }),
  });
}

/** Decided anew between two turns of the event loop. Unit: ms. */
const SWEEP_MS = 10;

/** One entry after the other, each once however often it is named meanwhile. */
function createSweep(
  clock: Pick<Clock, 'mono'>,
  look: (entry: Entry) => Promise<void>,
): (entries: readonly Entry[]) => void {
  const due = new Set<Entry>();
  let sweeping = false;
  const sweep = async () => {
    sweeping = true;
    let since = clock.mono();
    for (const entry of due) {
      due.delete(entry);
      await look(entry);
      if (clock.mono() - since < SWEEP_MS) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      since = clock.mono();
    }
    sweeping = false;
  };
  return (entries) => {
    for (const entry of entries) due.add(entry);
    if (!sweeping && due.size > 0) void sweep();
  };
}

function concerned({ users }: Change, book: Book): Entry[] {
  return book.waiting().filter((entry) => users === 'all' || users.has(entry.user));
}

function take(id: string, by: string, scene: Scene): Taken {
  const { book } = scene;
  const entry = book.get(id);
  const review = book.list(true).find((one) => one.id === id);
  if (!entry || !review) throw new SallyportError('not-found', `no request ${id}`);
  if (!book.take(entry, by)) throw new SallyportError('refused', tooLate(entry));
  const stand = <T>(then: (why: string | undefined) => T) =>
    standing(entry, entry.expiresAt, by, scene, (answer) => then(answer.helps ? undefined : answer.why));
  const finish = (ending: Ending) => {
    if (isLate(entry, scene)) end(entry, LATE, scene);
    if (!end(entry, ending, scene)) throw new SallyportError('refused', tooLate(entry));
  };
  const refused = (why: string) => new SallyportError('refused', `request ${id}: ${why}`);
  return {
    review,
    look: () =>
      stand((why) => {
        if (why !== undefined) throw refused(why);
      }),
    approve: (still) =>
      stand((why) => {
        if (why !== undefined) throw refused(why);
        still();
        finish({ state: 'approved', by });
      }),
    refuse: async (why) => finish({ state: 'refused', by, why }),
    giveBack: () => book.giveBack(entry),
  };
}

/** Why an answer comes too late. */
function tooLate(entry: Entry): string {
  const { id, state, takenBy, endedAt } = entry;
  if (state === 'waiting' || state === 'writing' || endedAt === undefined)
    return `request ${id} is being answered by ${takenBy ?? 'somebody'} just now`;
  return overWords({ ...entry, state }, endedAt);
}
