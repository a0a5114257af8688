import type { Reviews } from '../control/reviews.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { clearLive, markLive } from '../store/index.js';
import type { Administration } from './administration.js';
import { createAdmission } from './admission.js';
import type { BrokerOutput } from './broker.js';
import { createEndings, type Endings } from './ending.js';
import { createFeeder } from './feeder.js';
import { type RunningFeeds, startFeeds } from './feeds.js';
import type { Ground } from './ground.js';
import { createHangups } from './hangups.js';
import type { Listener } from './listener.js';
import { createLive, type LiveSide } from './live.js';
import { createLogins } from './logins.js';
import type { Pair } from './pair.js';
import { type Pairs, startPairs } from './pairs.js';
import { createProver } from './prove.js';
import { createRegistry, type Registry } from './registry.js';
import { createReviews } from './reviews/reviews.js';
import { watchRoom } from './room-watch.js';
import { type RouteParts, routeDoor, routeDown, routeGuard } from './routes.js';
import type { State } from './state.js';
import { createTrees } from './trees.js';
import { createWatchdog } from './watchdog.js';
import { createWatches, type RunningWatches } from './watches.js';

export interface FloorParts {
  state: State;
  ground: Ground;
  clock: Clock;
  out: BrokerOutput;
}

/** Where sessions live: the pairs that run them and everything the keeper holds of them. */
export interface Floor {
  registry: Registry;
  endings: Endings;
  pairs: Pairs;
  live: LiveSide;
  feeds: RunningFeeds;
  reviews: Reviews;
  watches: RunningWatches;
  /** Nothing happens by itself any more. */
  stopTimers(): void;
  /** From now on connections are known by this listener. */
  listen(listener: Listener): void;
  /** From now on admin commands are taken from sessions. */
  administer(administration: Administration): void;
  /** Admits nobody any more; `why` is what they read. */
  close(why: string): void;
}

export function layFloor(parts: FloorParts): Floor {
  const { state, ground, clock, out } = parts;
  const { audit, authority, config, paths } = state;
  let closed: string | undefined;
  let listener: Listener | undefined;
  let administration: Administration | undefined;
  const registry = createRegistry();
  const endings = createEndings({ clock, registry, audit, clearLive: (sid) => clearLive(paths.state, sid) });
  const trees = createTrees(clock);
  const watchdog = createWatchdog(clock, registry, endings);
  const feeder = createFeeder(clock, ground.door, out.log);
  const present = () => new Set(registry.all().map((s) => s.user));
  const feeds = startFeeds({ authority, audit, clock, config, feeder, live: present, log: out.log });
  const logins = createLogins({
    authority,
    audit,
    clock,
    targets: () => config.current.targets,
    prepare: feeds.prepare,
    connection: (id) => listener?.connection(id),
  });
  const admission = createAdmission({
    authority,
    audit,
    config,
    clock,
    registry,
    logins,
    endings,
    isolation: ground.isolation,
    doorUid: ground.door?.uid,
    hide: [paths.home],
    administration: () => administration,
    closed: () => closed,
    expect: watchdog.expect,
    renew: (session) => live.renew(session),
    markLive: (s) => markLive(paths.state, s.id, { user: s.user, target: s.target, source: s.source }),
  });
  const fault = (where: string, error: unknown) => out.log(`${where}: ${messageOf(error)}`);
  const reviews = createReviews({ authority, audit, clock, config, registry, watchdog, fault });
  const routes: RouteParts = {
    clock,
    registry,
    logins,
    admission,
    endings,
    trees,
    watchdog,
    audit,
    reviews,
    prove: (session, message) => prover(session, message),
    settled: (sid, version, answer) => live.settled(sid, version, answer),
    listener: () => listener,
    fault,
  };
  const pairs = startPairs({
    count: config.current.doors,
    clock,
    connectionsOf: (n) => listener?.countOf(n) ?? 0,
    sessionsOf: (n) => registry.all().filter((s) => s.pair.number === n).length,
    hooks: {
      hello: (pair) => greeting(pair, parts),
      fromDoor: (message, pair) => routeDoor(message, pair, routes),
      fromGuard: (message, pair) => routeGuard(message, pair, routes),
      up(pair) {
        if (audit.healthy()) audit.append({ event: 'door-start', door: pair.number });
      },
      down(pair, why) {
        if (closed === undefined) noteLost(pair, why, parts);
        routeDown(pair, why, routes);
      },
    },
  });
  const stopRoom = watchRoom({
    clock,
    places: { 'the audit log': paths.state, recordings: paths.recordings },
    log: out.log,
  });
  const stopHangups = createHangups({
    authority,
    clock,
    logins,
    hangUp: ({ conn, pair }, cause) => pairs.tell(pair, { type: 'hangup', conn, cause }),
  });
  const live = createLive({ authority, config, clock, registry, endings, watchdog, trees, pairs });
  const watches = createWatches({ registry, clock, drop: ground.door, log: out.log });
  const prover = createProver({ authority, audit, clock, logins, live });
  return {
    registry,
    endings,
    pairs,
    live,
    feeds,
    reviews,
    watches,
    stopTimers() {
      reviews.stop();
      watches.stop();
      feeds.stop();
      feeder.stop();
      watchdog.stop();
      stopHangups();
      stopRoom();
    },
    listen(l) {
      listener = l;
    },
    administer(a) {
      administration = a;
    },
    close(why) {
      closed = why;
    },
  };
}

/** What a new pair is told first. */
function greeting(pair: number, { state, ground }: FloorParts) {
  const config = state.config.current;
  const { loginGraceMs, authTries, channelsPerConnection } = config.limits;
  const { isolation, door, cgroup } = ground;
  return {
    door: {
      type: 'hello' as const,
      pair,
      hostKey: state.hostKey,
      limits: { loginGraceMs, authTries, channelsPerConnection },
      env: [...config.env],
      isolation,
      ...(door === undefined ? {} : { drop: door }),
    },
    guard: {
      type: 'hello' as const,
      isolation,
      gate: config.gate,
      home: config.home,
      pair,
      ...(cgroup === undefined ? {} : { cgroup }),
    },
  };
}

function noteLost(pair: Pair, why: string, { out, state }: FloorParts): void {
  out.log(`door ${pair.number}: ${why}; its sessions have ended`);
  if (state.audit.healthy()) state.audit.append({ event: 'door-lost', door: pair.number, reason: why });
}
