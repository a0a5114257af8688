import { expect, it } from 'vitest';
import { createWatchNews } from '../../src/keeper/watch-news.js';
import { FakeClock } from '../helpers/fake-clock.js';

function scene() {
  const clock = new FakeClock();
  const said: string[] = [];
  let may = true;
  const news = createWatchNews({
    clock,
    mayTell: () => may,
    say: (text) => said.push(text.replace('sallyport: ', '')),
  });
  return {
    news,
    allow: (on: boolean) => {
      may = on;
    },
    /** What was said since it was last asked for. */
    said: () => said.splice(0),
    advance: (ms: number) => clock.advance(ms),
  };
}

it('the engineer is told who comes and who goes, at once where it was quiet', () => {
  const { news, said, advance } = scene();
  news.joined('carol');
  expect(said()).toEqual(['carol is watching this session']);
  advance(10_000);
  expect(said()).toEqual([]);
  news.left('carol');
  expect(said()).toEqual(['carol is no longer watching this session']);
});

it('a crowd is a line or two, not a line for each', () => {
  const { news, said, advance } = scene();
  for (let n = 0; n < 200; n += 1) news.joined(`user-${n}`);
  expect(said()).toEqual(['user-0 is watching this session']);
  advance(3_000);
  expect(said()).toEqual(['user-1, user-2, user-3 and 196 others are watching this session']);
  for (let n = 0; n < 200; n += 1) news.left(`user-${n}`);
  advance(3_000);
  expect(said()).toEqual(['nobody is watching this session any more']);
  advance(60_000);
  expect(said()).toEqual([]);
});

it('one who watches twice, or leaves and comes back in a moment, is one', () => {
  const { news, said, advance } = scene();
  news.joined('carol');
  news.joined('carol');
  news.left('carol');
  advance(5_000);
  expect(said()).toEqual(['carol is watching this session']);
  news.joined('dave');
  news.left('carol');
  news.joined('carol');
  advance(5_000);
  expect(said()).toEqual(['dave is watching this session']);
});

it('nothing is said while the policy does not say so, and all that is true as soon as it does', () => {
  const { news, said, advance, allow } = scene();
  allow(false);
  news.joined('carol');
  news.joined('dave');
  news.left('dave');
  advance(5_000);
  expect(said()).toEqual([]);
  allow(true);
  advance(1_000);
  expect(said()).toEqual(['carol is watching this session']);
  allow(false);
  news.left('carol');
  advance(10_000);
  expect(said()).toEqual([]);
  news.stop();
});
