import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/core/clock.js';
import { clock, terminalsOf } from './terminal.js';

const start = terminalsOf();

const DENIED = 'sallyport: denied: rm -rf x (no-rm: denied by rule)';

test('a line that wraps stays whole on the screen', async () => {
  const t = await start({ cols: 40 });
  const line = `rm -rf x ${'and-more '.repeat(12)}end`;
  const screen = await t.run(line, /by rule\)\n@@$/);
  expect(screen.replaceAll('\n', '')).toMatch(/^@@ rm -rf x (and-more ){12}endsallyport: denied: rm -rf x and-more/);
});

test('with a prompt of several lines, it comes back whole', async () => {
  const t = await start({ rc: "PS1='top\\n\\w\\n@@ '" });
  const screen = await t.run('rm -rf x', /by rule\)\ntop\n~\n@@$/);
  expect(screen).toBe(`top\n~\n@@ rm -rf x\n${DENIED}\ntop\n~\n@@`);
});

test('on a terminal that can do little, the denial is shown all the same', async () => {
  const t = await start({ env: { TERM: 'dumb' } });
  await t.run('rm -rf x', DENIED);
  await t.run('echo "a$((1))"', /^a1$/m);
  await t.run('history', /1 {2}rm -rf x/);
});

test('^C while the door is waited for runs nothing', async () => {
  const t = await start({ door: false });
  t.keys('-l', 'touch ran');
  t.keys('Enter');
  await sleep(clock, 400);
  t.keys('C-c');
  await sleep(clock, 2_300);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});

test('the settings of an inputrc hold, and do not walk around the gate', async () => {
  const t = await start({
    inputrc: 'set editing-mode vi\nset show-mode-in-prompt on\n"\\C-m": accept-line\n"\\C-t": "echo typed"\n',
  });
  await t.run('rm -rf x', DENIED);
  t.keys('C-t', 'Enter');
  await t.until(/^typed$/m);
});

describe('a refused line', () => {
  test('stays on the screen, is followed by the denial, runs nothing and leaves $? and PIPESTATUS', async () => {
    const t = await start();
    await t.run('touch before; true | (exit 3)', /@@$/);
    await t.run('touch after; rm -rf x', 'sallyport: denied');
    const screen = await t.run(`echo "s=$?" p="\${PIPESTATUS[*]}" && ls`, /before\n@@/);
    expect(screen).toContain(`@@ touch after; rm -rf x\n${DENIED}\n@@ echo`);
    expect(screen).toContain('s=3');
    expect(screen).not.toContain('\nafter');
    expect(t.refused.map((r) => r.text)).toEqual(['touch after; rm -rf x']);
  });
});
