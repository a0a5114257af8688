import { expect, it } from 'vitest';
import type { Endings } from '../../src/keeper/ending.js';
import { createRegistry, type LiveSession } from '../../src/keeper/registry.js';
import { createWatchdog } from '../../src/keeper/watchdog.js';
import { FakeClock } from '../helpers/fake-clock.js';

function scene() {
  const clock = new FakeClock();
  const registry = createRegistry();
  const forced: string[] = [];
  const endings: Endings = {
    order: async () => {},
    finish: async () => {},
    stray: () => {},
    force: async (s) => {
      forced.push(`${s.ordered?.cause} at ${clock.mono()}`);
      s.state = 'over';
      registry.remove(s);
    },
  };
  const session = {
    id: '01aaaaaaaaaaaaaaaaaaaaaaaa',
    user: 'alice',
    state: 'live',
    lastInputAt: clock.now(),
    inputMono: clock.mono(),
    deadlines: { idleMs: 60_000, hardAt: clock.now() + 600_000, hardCause: 'deadline', warnMs: [], recheckMs: 1000 },
  } as unknown as LiveSession;
  registry.add(session);
  const watchdog = createWatchdog(clock, registry, endings);
  watchdog.watch(session);
  return { clock, session, forced, watchdog };
}

const typing = (s: LiveSession, clock: FakeClock, ms: number) => {
  for (let t = 0; t < ms; t += 10_000) {
    s.inputMono = clock.mono();
    clock.advance(Math.min(10_000, ms - t));
  }
};

it('a door that lets a deadline pass has its session killed ten ms later', () => {
  const { clock, session, forced } = scene();
  typing(session, clock, 600_000);
  expect(forced).toEqual([]);
  clock.advance(10);
  expect(forced).toEqual(['deadline at 600010']);
});

it('a door that lets an idle limit pass has it killed within four seconds', () => {
  const { clock, forced } = scene();
  clock.advance(62_000);
  expect(forced).toEqual([]);
  clock.advance(2_000);
  expect(forced).toHaveLength(1);
  expect(forced[0]).toMatch(/^idle/);
});

it('a deadline that moved is watched where it moved to', () => {
  const { clock, session, forced, watchdog } = scene();
  session.deadlines = { ...session.deadlines, hardAt: clock.now() + 30_000 };
  watchdog.watch(session);
  clock.advance(30_010);
  expect(forced).toEqual(['deadline at 30010']);
});

it('a wall clock that jumps past the deadline is noticed within a beat', () => {
  const { clock, forced } = scene();
  clock.jumpWall(700_000);
  clock.advance(500);
  expect(forced).toHaveLength(1);
});

it('a session that ended in order is left alone', () => {
  const { clock, session, forced, watchdog } = scene();
  session.state = 'over';
  watchdog.forget(session);
  clock.advance(700_000);
  expect(forced).toEqual([]);
});

it('a wall clock that is set forward makes nobody idle', () => {
  const { clock, forced } = scene();
  clock.jumpWall(120_000);
  clock.advance(500);
  expect(forced).toEqual([]);
});
