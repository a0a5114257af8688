import { expect, it } from 'vitest';
import { watchRoom } from '../../src/keeper/room-watch.js';
import { LITTLE_ROOM } from '../../src/store/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

const MINUTE = 60_000;

it('a disk that fills is told of once, and again after it had plenty', () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const free: Record<string, number | undefined> = { '/home/state': LITTLE_ROOM * 4, '/big/recordings': undefined };
  const stop = watchRoom({
    clock,
    places: { 'the audit log': '/home/state', recordings: '/big/recordings' },
    free: (path) => free[path],
    log: (line) => said.push(line),
  });
  expect(said).toEqual([]);
  free['/home/state'] = LITTLE_ROOM - 1;
  clock.advance(MINUTE);
  clock.advance(MINUTE);
  expect(said).toEqual(['511 MiB left for the audit log in /home: make room; when nothing is left every session ends']);
  free['/home/state'] = LITTLE_ROOM + 1;
  clock.advance(MINUTE);
  free['/home/state'] = 1000;
  free['/big/recordings'] = 0;
  clock.advance(MINUTE);
  expect(said.slice(1)).toEqual([
    '0 B left for recordings in /big: make room; when nothing is left every session ends',
  ]);
  free['/home/state'] = LITTLE_ROOM * 2;
  clock.advance(MINUTE);
  free['/home/state'] = 5 * 1024 * 1024;
  clock.advance(MINUTE);
  expect(said.at(-1)).toMatch(/^5.0 MiB left for the audit log/);
  stop();
  expect(clock.pending()).toBe(0);
});
