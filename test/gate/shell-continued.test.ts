import { describe, expect, test } from 'vitest';
import { terminalsOf } from './terminal.js';

const start = terminalsOf();

describe('a command over several lines', () => {
  test('is judged when it is complete', async () => {
    const t = await start();
    await t.run('for i in 1 2', /\n>$/);
    await t.run('do echo "n$i"', /"\n>$/);
    await t.run('done', /\nn1\nn2\n@@$/);
    await t.run('if true', /true\n>$/);
    await t.run('then rm -rf x', /x\n>$/);
    await t.run('fi', 'sallyport: denied: rm -rf x (no-rm: denied by rule)');
    await t.run('echo "next $((40 + 2))"', /next 42\n@@$/);
    expect(t.lines.map((l) => l.text)).toEqual(['for i in 1 2\ndo echo "n$i"\ndone', 'echo "next $((40 + 2))"']);
    expect(t.refused.map((l) => l.text)).toEqual(['if true\nthen rm -rf x\nfi']);
    await t.run('history', /if true\n *then rm -rf x\n *fi\n/);
  });

  test('here-document bodies are data, substitutions in them are not', async () => {
    const t = await start();
    await t.run('cat <<END', /\n>$/);
    await t.run('rm -rf x', /x\n>$/);
    await t.run('', /x\n> ?\n>$/);
    await t.run('END', /\nrm -rf x\n\n@@$/);
    await t.run('cat <<END', /END\n>$/);
    await t.run('$(rm -rf x)', /\)\n>$/);
    await t.run('END', 'sallyport: denied: rm -rf x');
    await t.run('echo "next $((40 + 2))"', /next 42\n@@$/);
  });

  test('^C at the continuation prompt forgets the beginning', async () => {
    const t = await start();
    await t.run("echo 'open", /\n>$/);
    t.keys('C-c');
    await t.until(/\^C\n@@$/);
    await t.run('rm -rf x', 'sallyport: denied: rm -rf x');
    await t.run("echo don't; rm -rf y'", 'denied: rm');
    expect(t.lines).toEqual([]);
  });

  test('a paste that ends open goes on at the continuation prompt', async () => {
    const t = await start();
    t.paste('echo a$((1))\n\nfor i in 1 2\ndo echo b$i');
    t.keys('Enter');
    await t.until(/\n>$/);
    await t.run('rm -rf x; done', 'sallyport: denied: rm -rf x');
    await t.run('echo "next $((40 + 2))"', /next 42\n@@$/);
    expect(t.refused.map((l) => l.text)).toEqual(['for i in 1 2\ndo echo b$i\nrm -rf x; done']);
  });
});

describe('input to a running program', () => {
  test('answers to read -e are not commands, and the next line is one again', async () => {
    const t = await start();
    await t.run('read -e -p "sure? " x; echo "got <$x>"', /\nsure\?$/);
    await t.run('rm -rf x', /got <rm -rf x>\n@@$/);
    await t.run('rm -rf x', 'sallyport: denied: rm -rf x');
    t.paste('echo a\nread -e -p "sure? " x; echo "got <$x>"');
    t.keys('Enter');
    await t.until(/\nsure\?$/);
    await t.run('rm -rf y', /got <rm -rf y>\n@@$/);
    await t.run('rm -rf y', 'sallyport: denied: rm -rf y');
    expect(t.refused).toHaveLength(2);
  });

  test('also while start-up files run, in functions, and with a ! in it', async () => {
    const t = await start({ rc: 'read -e -p "which? " x; ask() { read -e -p "sure? " x; }' }, 'which?');
    await t.run('rm -rf x', /@@$/);
    await t.run('echo "got <$x>"', /^got <rm -rf x>$/m);
    await t.run('ask', /sure\?$/);
    await t.run('rm -rf !!', /@@$/);
    await t.run('echo "got <$x>"', /^got <rm -rf !!>$/m);
    await t.run('PROMPT_COMMAND=(true)', /\)\n@@$/);
    await t.run('rm -rf x', 'denied: rm -rf x');
    await t.run('PROMPT_COMMAND=(true)', /\)\n@@$/);
    await t.run('echo FORB', /\nFORB\n@@$/);
    await t.run('!!IDDEN', 'denied: echo FORBIDDEN');
    expect(t.refused).toHaveLength(2);
  });

  test('a refusal does not make the next line an answer', async () => {
    const t = await start();
    await t.run('rm -rf x', 'denied: rm -rf x');
    await t.run('rm -rf y', 'denied: rm -rf y');
    await t.run('rm -rf z', 'denied: rm -rf z');
  });

  test('an empty line asks nothing', async () => {
    const t = await start();
    await t.run('echo "a$((1))"', /\na1\n@@$/);
    for (const line of ['', '   ', '']) await t.run(line, /@@$/);
    await t.run('echo "b$((1))"', /\nb1\n@@$/);
    expect(t.lines).toHaveLength(2);
  });
});
