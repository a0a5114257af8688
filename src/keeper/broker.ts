import type { Config } from '../config/index.js';
import type { EndCause } from '../core/causes.js';
import { type Clock, sleep, systemClock, within } from '../core/clock.js';
import { formatDuration } from '../core/duration.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { bootTimeMs } from '../os/boottime.js';
import { hostKeyFingerprint } from '../ssh/index.js';
import { createAlarm } from './alarm.js';
import { type Control, startControl } from './control.js';
import { reportCut } from './cut.js';
import { type Floor, layFloor } from './floor.js';
import { type Ground, probeGround } from './ground.js';
import { type RunningHooks, startHooks } from './hooks.js';
import { type Listener, listen } from './listener.js';
import { createMessenger } from './messenger.js';
import { noteMoments } from './moments.js';
import type { Pairs } from './pairs.js';
import { closeState, openState, readHome, type State } from './state.js';

/** What sessions still open when the drain ends get to close in order. Unit: ms. */
const CLOSE_MS = 2_000;
/** How often a draining broker looks whether the last session has left. Unit: ms. */
const EMPTY_POLL_MS = 50;
/** What hooks get to tell the last events. Unit: ms. */
const HOOKS_MS = 2_000;

export interface BrokerOutput {
  /** For whoever started it: stdout. */
  say(line: string): void;
  /** For the operator: stderr. */
  log(line: string): void;
}

export interface Broker {
  readonly drainText: string;
  /** Stops accepting, warns, and ends what remains after `session.drain`. */
  drain(): Promise<void>;
  /** Ends every session at once; `cause` is what they are told, `shutdown` by default. */
  stopNow(cause?: EndCause): Promise<void>;
  /** Reads policy and configuration anew; resolves to one line on what became of it. */
  reload(): Promise<string>;
  /** Resolves, with why, when the broker cannot go on. */
  readonly failed: Promise<string>;
}

/** Starts everything, in the order that fails early: configuration, policy, machine, store, doors, sockets. */
export async function startBroker(home: string, out: BrokerOutput): Promise<Broker> {
  const clock = systemClock({ boot: bootTimeMs });
  const read = readHome(home, out.log);
  const ground = await probeGround(read.config);
  const state = await openState(read, clock);
  const messenger = createMessenger(clock, ground.door, out.log);
  const hooks = startHooks({ ...state, clock, messenger, log: out.log });
  noteMoments(state.authority, state.audit);
  let floor: Floor | undefined;
  try {
    for (const line of await reportCut(state.paths.state, state.audit)) out.log(line);
    const data = { isolation: ground.isolation, gate: read.config.gate, pid: process.pid };
    state.audit.append({ event: 'keeper-start', data });
    await state.audit.durable();
    floor = layFloor({ state, ground, clock, out });
    await floor.pairs.ready;
    return await openDoors({ state, ground, clock, out, floor, hooks });
  } catch (error) {
    floor?.close('the broker could not start');
    floor?.stopTimers();
    await floor?.pairs.stop();
    await hooks.close(HOOKS_MS);
    await closeState(state);
    throw error;
  }
}

interface Opening {
  state: State;
  ground: Ground;
  clock: Clock;
  out: BrokerOutput;
  floor: Floor;
  hooks: RunningHooks;
}

async function openDoors(o: Opening): Promise<Broker> {
  const { state, ground, clock, out, floor } = o;
  const config = state.config.current;
  // Whoever logs in first is decided by what is known, not by what has yet to be asked.
  await floor.feeds.first;
  const listener = await listenOn(config, floor.pairs);
  floor.listen(listener);
  const { host, port } = listener.address;
  const started = startControl({
    ...state,
    live: floor.live,
    feeds: floor.feeds,
    reviews: floor.reviews,
    watches: floor.watches,
    hooks: o.hooks,
    clock,
    ground,
    listen: `${host}:${port}`,
    startedAt: clock.now(),
    alarm: createAlarm({ clock, registry: floor.registry, log: out.log }),
    log: out.log,
  });
  started.catch(() => listener.close());
  const control = await started;
  floor.administer(control.administration);
  out.say(`host key ${hostKeyFingerprint(state.hostKey)} (ED25519)`);
  out.say(
    `ready: listening on ${host}:${port}, isolation ${ground.isolation}, gate ${config.gate}, home ${config.home}`,
  );
  let stopping: Promise<void> | undefined;
  const stopNow = (cause: EndCause = 'shutdown') => {
    stopping ??= stop(o, listener, control, cause);
    return stopping;
  };
  return {
    drainText: formatDuration(config.session.drainMs),
    stopNow,
    drain: () => drain(o, listener, stopNow),
    reload: control.reload,
    failed: new Promise((resolve) => {
      state.audit.onFailure((error) =>
        resolve(`${error.message}: every session ends; see to its disk, then start again`),
      );
    }),
  };
}

async function listenOn(config: Config, pairs: Pairs): Promise<Listener> {
  const { host, port } = config.listen;
  try {
    return await listen(config.listen, config.limits, { give: (note, socket) => pairs.give(note, socket) });
  } catch (error) {
    const why = messageOf(error);
    throw new SallyportError('failed', `cannot listen on ${host}:${port}: ${why}: change listen in ${config.file}`);
  }
}

async function drain(o: Opening, listener: Listener, stopNow: () => Promise<void>): Promise<void> {
  const { floor, clock, state } = o;
  const { drainMs } = state.config.current.session;
  floor.close('the broker is shutting down');
  listener.close();
  if (floor.registry.size() > 0)
    floor.pairs.broadcast(`sallyport: this session closes in ${formatDuration(drainMs)} (shutdown)`);
  const until = clock.mono() + drainMs;
  while (floor.registry.size() > 0 && clock.mono() < until) await sleep(clock, EMPTY_POLL_MS);
  await stopNow();
}

async function stop(o: Opening, listener: Listener, control: Control, cause: EndCause): Promise<void> {
  const { floor, state, clock, hooks } = o;
  floor.close('the broker is shutting down');
  listener.close();
  const sessions = floor.registry.all();
  const version = state.authority.version();
  await Promise.all(sessions.map((s) => floor.endings.order(s, cause, undefined, version)));
  await within(clock, Promise.all(sessions.map((s) => s.over)), CLOSE_MS);
  await floor.pairs.stop();
  floor.stopTimers();
  await control.close();
  if (state.audit.healthy()) state.audit.append({ event: 'keeper-stop' });
  await hooks.close(HOOKS_MS);
  await closeState(state);
}
