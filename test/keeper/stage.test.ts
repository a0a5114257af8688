import { expect, it } from 'vitest';
import type { View } from '../../src/control/watch.js';
import { createStage } from '../../src/keeper/stage.js';

const never = () => new AbortController().signal;

function view(lines: Record<number, string>, rows = 3): View {
  return {
    cols: 10,
    rows,
    cursor: { col: 0, row: 0, shown: true },
    exact: true,
    lines: Object.entries(lines).map(([row, text]) => [Number(row), [{ text }]]),
  };
}
const rowsOf = (seen: unknown) =>
  (seen as { item: { view: View } }).item.view.lines.map(([row, [run]]) => [row, run?.text]);

it('a watcher sees the whole screen first and then what is new; all are given the same object', async () => {
  const stage = createStage();
  stage.show(view({ 0: 'a', 1: 'b', 2: 'c' }));
  const [one, two] = [stage.seat(never()), stage.seat(never())];
  const [first, same] = [await one.next(), await two.next()];
  expect(rowsOf(first.value)).toEqual([
    [0, 'a'],
    [1, 'b'],
    [2, 'c'],
  ]);
  expect(same.value).toBe(first.value);
  const next = [one.next(), two.next()];
  stage.show(view({ 1: 'B' }));
  const [news, alike] = await Promise.all(next);
  expect(rowsOf(news?.value)).toEqual([[1, 'B']]);
  expect(alike?.value).toBe(news?.value);
});

it('one who did not keep up is given the screen as it is now, not what they missed', async () => {
  const stage = createStage();
  stage.show(view({ 0: 'a', 1: 'b', 2: 'c' }));
  const slow = stage.seat(never());
  await slow.next();
  for (let n = 0; n < 1_000; n += 1) stage.show(view({ [n % 3]: `${n}` }));
  expect(rowsOf((await slow.next()).value)).toEqual([
    [0, '999'],
    [1, '997'],
    [2, '998'],
  ]);
  const waiting = slow.next();
  stage.show(view({ 2: 'now' }));
  expect(rowsOf((await waiting).value)).toEqual([[2, 'now']]);
});

it('a screen of another size begins anew', async () => {
  const stage = createStage();
  stage.show(view({ 0: 'a', 1: 'b', 2: 'c' }));
  const seat = stage.seat(never());
  await seat.next();
  stage.show(view({ 0: 'x' }, 2));
  expect(rowsOf((await seat.next()).value)).toEqual([
    [0, 'x'],
    [1, undefined],
  ]);
});

it('ends for everybody with what they have not seen, then the cause; whoever comes later hears it too', async () => {
  const stage = createStage();
  stage.show(view({ 0: 'a' }));
  const early = stage.seat(never());
  await early.next();
  stage.show(view({ 0: 'last' }));
  stage.end('idle');
  expect(rowsOf((await early.next()).value)).toEqual([[0, 'last']]);
  for (const seat of [early, stage.seat(never())]) {
    const seen = [];
    for await (const one of seat) seen.push(one.item);
    expect(seen.at(-1)).toEqual({ type: 'end', cause: 'idle' });
  }
});

it('fails for everybody where nothing can be drawn any more', async () => {
  const stage = createStage();
  const seat = stage.seat(never());
  const next = seat.next();
  stage.fail(new Error('it is gone'));
  await expect(next).rejects.toThrow('it is gone');
});

it('a watcher who leaves is let go, and the others stay', async () => {
  const stage = createStage();
  const leaving = new AbortController();
  const [one, other] = [stage.seat(leaving.signal), stage.seat(never())];
  const waits = [one.next(), other.next()];
  leaving.abort();
  expect((await waits[0])?.done).toBe(true);
  stage.show(view({ 0: 'a' }));
  expect((await waits[1])?.done).toBe(false);
});
