import type { Socket } from 'node:net';
import type { DoorInfo } from '../control/live.js';
import type { Clock } from '../core/clock.js';
import type { ToDoor } from '../wire/door.js';
import { type Pair, type PairHooks, startPair } from './pair.js';

/** A pair that dies again soon is started again ever later, up to this. Unit: ms. */
const MAX_BACKOFF_MS = 5_000;
const FIRST_BACKOFF_MS = 50;
/** A pair that lived this long starts anew without delay. */
const HEALTHY_MS = 10_000;

interface Slot {
  number: number;
  pair: Pair | undefined;
  startedAt: number;
  restarts: number;
  backoffMs: number;
}

export interface PairsParts {
  count: number;
  clock: Clock;
  hooks: PairHooks;
  connectionsOf(pair: number): number;
  sessionsOf(pair: number): number;
}

export interface Pairs {
  /** Resolves when every pair is ready; rejects when one cannot start. */
  readonly ready: Promise<void>;
  /** Hands a client to the door with the fewest; undefined when none is ready. */
  give(note: { conn: number; ip: string; port: number }, socket: Socket): number | undefined;
  broadcast(text: string): void;
  /** Says something to the door of that number, if it is there. */
  tell(pair: number, message: ToDoor): void;
  info(): DoorInfo[];
  /** Kills every pair and starts none again. Resolves when all are reaped. */
  stop(): Promise<void>;
}

export function startPairs(parts: PairsParts): Pairs {
  const { clock, count } = parts;
  let stopping = false;
  const slots: Slot[] = Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    pair: undefined,
    startedAt: 0,
    restarts: 0,
    backoffMs: FIRST_BACKOFF_MS,
  }));
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const start = (slot: Slot) => {
    if (stopping) return;
    slot.startedAt = clock.now();
    slot.pair = startPair(slot.number, clock, {
      ...parts.hooks,
      up(pair) {
        parts.hooks.up(pair);
        if (slots.every((s) => s.pair?.ready)) settle?.resolve();
      },
      down(pair, why) {
        parts.hooks.down(pair, why);
        if (slot.restarts === 0 && !pair.ready && slots.every((s) => s.restarts === 0))
          settle?.reject(new Error(`door ${slot.number} could not start: ${why}`));
        again(slot);
      },
    });
  };
  const again = (slot: Slot) => {
    if (stopping) return;
    slot.restarts += 1;
    if (clock.now() - slot.startedAt > HEALTHY_MS) slot.backoffMs = FIRST_BACKOFF_MS;
    clock.after(slot.backoffMs, () => start(slot));
    slot.backoffMs = Math.min(MAX_BACKOFF_MS, slot.backoffMs * 2);
  };
  for (const slot of slots) start(slot);
  const alive = () => slots.flatMap((s) => (s.pair?.ready ? [s.pair] : []));
  return {
    ready,
    give(note, socket) {
      const least = alive().sort((a, b) => parts.connectionsOf(a.number) - parts.connectionsOf(b.number));
      return least.find((pair) => pair.giveSocket(note, socket))?.number;
    },
    broadcast(text) {
      for (const pair of alive()) pair.toDoor({ type: 'notice', text });
    },
    tell(number, message) {
      for (const pair of alive()) if (pair.number === number) pair.toDoor(message);
    },
    info: () => slots.map((slot) => describe(slot, parts)),
    async stop() {
      stopping = true;
      const pairs = slots.flatMap((s) => (s.pair ? [s.pair] : []));
      for (const pair of pairs) pair.kill('the broker stops');
      await Promise.all(pairs.map((pair) => pair.buried));
    },
  };
}

function describe(slot: Slot, parts: PairsParts): DoorInfo {
  const { number, pair, restarts } = slot;
  return {
    door: number,
    state: pair?.ready ? 'up' : pair?.alive ? 'starting' : 'down',
    doorPid: pair?.alive ? pair.doorPid : undefined,
    guardPid: pair?.alive ? pair.guardPid : undefined,
    sessions: parts.sessionsOf(number),
    connections: parts.connectionsOf(number),
    startedAt: new Date(slot.startedAt).toISOString(),
    restarts,
  };
}
