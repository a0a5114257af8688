import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { terminalsOf } from './terminal.js';

const start = terminalsOf();

const DENIED = 'sallyport: denied: rm -rf x (no-rm: denied by rule)';
const LINE = 'touch ran; rm -rf x';

describe('whatever way a line is entered, it is decided whole before any of it runs', () => {
  test.each([
    ['Enter', '', ['Enter']],
    ['^M', '', ['C-m']],
    ['^J', '', ['C-j']],
    ['^O', '', ['C-o']],
    ['Enter in vi insertion', 'set -o vi', ['Enter']],
    ['^J in vi insertion', 'set -o vi', ['C-j']],
    ['Enter in vi command mode', 'set -o vi', ['Escape', 'Enter']],
    ['^J in vi command mode', 'set -o vi', ['Escape', 'C-j']],
  ])('%s', async (_, rc, keys) => {
    const t = await start({ rc });
    t.keys('-l', LINE);
    for (const key of keys) t.keys(key);
    await t.until(`@@ ${LINE}\n${DENIED}\n@@`);
    await t.run('echo "next $((40 + 2))"', 'next 42\n@@');
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });

  test('a bracketed paste of several lines is one line', async () => {
    const t = await start();
    t.paste('touch ran\ntouch ran\nrm -rf x');
    t.keys('Enter');
    await t.until(DENIED);
    await t.run('echo "next $((40 + 2))"', 'next 42\n@@');
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
    t.paste('echo a$((1))\nfor i in 1 2\ndo echo b$i\ndone\necho c$((1))');
    t.keys('Enter');
    await t.until(/a1\nb1\nb2\nc1\n@@$/);
    expect(t.refused).toHaveLength(1);
  });

  test('an unbracketed paste is decided line by line', async () => {
    const t = await start();
    t.paste(`echo one$((1))\n${LINE}\necho two$((2))\n`, false);
    await t.until(/two2\n@@$/);
    expect(t.screen()).toContain(DENIED);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });

  test('lines typed ahead', async () => {
    const t = await start();
    t.keys('-l', 'sleep 0.4; echo slept');
    t.keys('Enter');
    t.keys('-l', LINE);
    t.keys('Enter');
    t.keys('-l', 'echo two$((2))');
    t.keys('Enter');
    await t.until(/\ntwo2\n@@$/);
    expect(t.refused.map((r) => r.text)).toEqual([LINE]);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });

  test('a line from history, and one that history expansion makes', async () => {
    const t = await start();
    await t.run(LINE, DENIED);
    t.keys('Up', 'Enter');
    await t.until(/(denied by rule\)[\s\S]*){2}@@$/);
    await t.run('!!', /(denied by rule\)[\s\S]*){3}@@$/);
    await t.run('echo FORB; echo "a!b"', /event not found/);
    await t.run('echo FORB', /\nFORB\n@@$/);
    await t.run('!!IDDEN', 'sallyport: denied: echo FORBIDDEN (no-word: denied by rule)');
    await t.run('^B^X^', '\n@@');
    expect(t.refused.map((r) => r.text)).toEqual([LINE, LINE, LINE, 'echo FORBIDDEN']);
  });

  test('histverify shows the expansion first and asks when it is accepted', async () => {
    const t = await start({ rc: 'shopt -s histverify' });
    await t.run('echo FORB', /\nFORB\n@@$/);
    await t.run('!!IDDEN', /@@ echo FORBIDDEN$/);
    expect(t.refused).toHaveLength(0);
    t.keys('Enter');
    await t.until('sallyport: denied: echo FORBIDDEN');
    await t.run('!ec', /@@ echo FORB/);
    t.keys('-l', '-l');
    t.keys('C-u');
    await t.run('echo "x$((1))"', 'x1\n@@');
  });

  test('^O accepts and brings the next line of the history', async () => {
    const t = await start();
    await t.run('echo a$((1))', /\na1\n@@$/);
    await t.run('echo b$((1))', /\nb1\n@@$/);
    t.keys('Up', 'Up', 'C-o');
    await t.until(/a1\n@@ echo b\$\(\(1\)\)$/);
  });

  test('a long line, and one beyond the limit', async () => {
    const t = await start();
    t.paste(`echo ${'abcdefghi '.repeat(900)}| wc -c`);
    t.keys('Enter');
    await t.until(/\n9000\n@@$/);
    t.paste(`# ${'abcdefghi '.repeat(6_700)}`);
    t.keys('Enter');
    await t.until('(the line is longer than 64 KiB)');
  });
});
