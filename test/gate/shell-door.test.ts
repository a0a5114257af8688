import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/core/clock.js';
import { rightsBy } from './rights.js';
import { clock, terminalsOf } from './terminal.js';

const start = terminalsOf();

describe('a name that no rule allows', () => {
  test('is refused as a program and as a builtin, and left to the exec gate as an alias or a function', async () => {
    const t = await start();
    await t.run('touch ran; seq 2', 'sallyport: denied: seq 2 (no rule allows it)');
    await t.run('umask', 'sallyport: denied: umask (no rule allows it)');
    await t.run("alias seq='echo alias$((1))'; umask() { echo function$((1)); }", 'denied: ');
    await t.run("alias seq='echo alias$((1))'", /alias\$\(\(1\)\)'\n@@$/);
    await t.run('seq 2', /^alias1 2$/m);
    await t.run('command seq 2', 'sallyport: denied: seq 2 (no rule allows it)');
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });

  test('is refused, alias or not, where there is no exec gate', async () => {
    const t = await start({ gate: 'line-only', rc: 'alias pwd="echo x"; f() { :; }' });
    await t.run('seq 2', 'sallyport: denied: seq 2 (no rule allows it)');
    await t.run('pwd', 'denied: pwd (it is an alias or a function');
    await t.run('f', 'denied: f (what it runs cannot be known');
    await t.run('x=ls; $x', 'denied: $x (what it runs cannot be known');
    await t.run('expr 20 + 22', /^42$/m);
  });
});

describe('without an answer from the door', () => {
  test('a line is refused within about two seconds, and none of it runs', async () => {
    const t = await start({ door: false });
    await t.run('touch ran', 'sallyport: denied: touch ran (the line gate did not answer)');
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });
});

describe('shells that share a session', () => {
  test('typed into at the same moment, each gets its own answer', async () => {
    const t = await start();
    t.tmux('set-option', '-g', 'default-command', `${t.command}; sleep 1000`);
    for (let n = 0; n < 3; n++) t.tmux('split-window', '-d', '-l', '8');
    const panes = t.tmux('list-panes', '-F', '#{pane_id}').trim().split('\n');
    for (const pane of panes) await t.until('@@', pane);
    t.tmux('set-option', '-w', 'synchronize-panes', 'on');
    for (const n of [1, 2, 3]) {
      t.keys('-l', `echo "ok$((${n} + 1))"`);
      t.keys('Enter');
      for (const pane of panes) await t.until(`\nok${n + 1}`, pane);
    }
    t.keys('-l', 'touch ran; rm -rf x');
    t.keys('Enter');
    for (const pane of panes) await t.until('denied: rm -rf x (no-rm: denied by rule)', pane);
    expect(panes).toHaveLength(4);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  }, 40_000);
});

describe('what it costs', () => {
  // At the prompt's own level: inside a function the hook takes a line for input to `read -e`.
  const timed = [
    's=$EPOCHREALTIME; for ((i = 0; i < 1000; i++)); do READLINE_LINE="echo $i" __sallyport_n=$((i + 1000))',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's, not ours
    '__sallyport_line; done; e=$EPOCHREALTIME; echo took $((${e/./} - ${s/./})) us',
  ].join('; ');

  test('a thousand questions leave nothing open', async () => {
    const t = await start({ rights: rightsBy(() => 'allow') });
    await t.run('echo "fds $(ls /proc/$$/fd | wc -l)"', /^fds \d+$/m);
    // Looking at the screen would stop the door's loop, which is this one.
    t.keys('-l', timed);
    t.keys('Enter');
    await sleep(clock, 1_500);
    const screen = await t.until(/took \d+ us/);
    const us = Number(/took (\d+) us/.exec(screen)?.[1]) / 1_000;
    console.info(`line gate: ${us.toFixed(0)} µs a question`);
    expect(us).toBeLessThan(20_000);
    expect(t.lines.length).toBeGreaterThanOrEqual(1_000);
    const after = await t.run('echo "fds $(ls /proc/$$/fd | wc -l)"', /^fds \d+$[\s\S]*^fds \d+$/m);
    const [first, second] = [...after.matchAll(/^fds (\d+)$/gm)].map((m) => m[1]);
    expect(second).toBe(first);
  });

  test('a thousand lines typed ahead are all decided, in order', async () => {
    const t = await start();
    t.paste(`${Array.from({ length: 1_000 }, (_, i) => `: n${i}`).join('\n')}\necho "end$((1))"\n`, false);
    await t.until(/^end1$/m);
    expect(t.lines.map((l) => l.text)).toEqual([
      ...Array.from({ length: 1_000 }, (_, i) => `: n${i}`),
      'echo "end$((1))"',
    ]);
  });
});
