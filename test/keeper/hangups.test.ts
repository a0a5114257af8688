import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHangups } from '../../src/keeper/hangups.js';
import { type KeeperScene, openKeeperScene, pairOf } from '../helpers/keeper-scene.js';

let scene: KeeperScene;
let stop: () => void;
const hungUp: string[] = [];
beforeEach(async () => {
  hungUp.length = 0;
  scene = await openKeeperScene();
  const { authority, clock, parts } = scene;
  const hangUp = ({ conn }: { conn: number }, cause: string) => void hungUp.push(`${conn} ${cause}`);
  stop = createHangups({ authority, clock, logins: parts.logins, hangUp });
  await scene.login(pairOf(1));
});
afterEach(async () => {
  stop();
  await scene.close();
});

const lock = () => scene.authority.lock({ kind: 'user', subject: 'daemon', reason: 'r', by: 'test' });

it('a locked login loses its connection when its sessions have had their last words', async () => {
  await lock();
  scene.clock.advance(5_900);
  expect(hungUp).toEqual([]);
  scene.clock.advance(100);
  expect(hungUp).toEqual(['1 locked']);
});

it('a lock lifted by then costs nothing, nor does one on another', async () => {
  const { lock: put } = await lock();
  await scene.authority.unlock(put.id, 'test');
  await scene.authority.lock({ kind: 'target', subject: 'db1', reason: 'r', by: 'test' });
  scene.clock.advance(10_000);
  expect(hungUp).toEqual([]);
});

it('a removed user loses it as well', async () => {
  await scene.authority.removeUser({ user: 'daemon', by: 'test' });
  scene.clock.advance(6_000);
  expect(hungUp).toEqual(['1 revoked']);
});

it('nothing is left to happen when it was stopped', async () => {
  await lock();
  stop();
  scene.clock.advance(10_000);
  expect(hungUp).toEqual([]);
});
