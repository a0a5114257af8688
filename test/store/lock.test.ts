import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { isHomeLive, openStore, readStore } from '../../src/store/index.js';
import { compiledDir } from '../helpers/compiled.js';

let src: string;
beforeAll(() => {
  src = compiledDir();
}, 60_000);

const newState = () => join(mkdtempSync(join(tmpdir(), 'sp-lock-')), 'state');

/** A second process that opens the store, runs `body` with it as `store`, and prints what it is told to. */
function second(dir: string, body: string) {
  const code = `import { openStore } from ${JSON.stringify(join(src, 'store/index.js'))};
const store = await openStore(${JSON.stringify(dir)}, { purpose: 'sallyport serve' });
const say = (text) => new Promise((done) => process.stdout.write(text + '\\n', done));
${body}`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
}

const HOLD = `await say('held'); setInterval(() => {}, 1000);`;

describe('two writers never meet', () => {
  test('a second process is refused by name while the first lives, and not a moment longer', async () => {
    const dir = newState();
    await (await openStore(dir, { create: true })).close();
    const other = second(dir, HOLD);
    await once(other.stdout, 'data');
    expect(isHomeLive(dir)).toBe(true);
    await expect(openStore(dir)).rejects.toThrow(`in use by sallyport serve (pid ${other.pid})`);
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(isHomeLive(dir)).toBe(false);
    await (await openStore(dir)).close();
  });

  test('this process holds it against others and against itself', async () => {
    const dir = newState();
    const store = await openStore(dir, { create: true });
    await expect(openStore(dir)).rejects.toThrow(`pid ${process.pid}`);
    const other = second(dir, HOLD);
    const words = text(other.stderr);
    const [status] = await once(other, 'exit');
    expect(status).toBe(1);
    expect(await words).toContain('in use by');
    expect(spawnSync('flock', ['-xn', join(dir, 'lock'), 'true']).status).toBe(1);
    await store.close();
    expect(spawnSync('flock', ['-xn', join(dir, 'lock'), 'true']).status).toBe(0);
  });

  test('a child of the holder does not keep it', async () => {
    const dir = newState();
    const store = await openStore(dir, { create: true });
    const child = spawn('sleep', ['30']);
    await once(child, 'spawn');
    await store.close();
    expect(isHomeLive(dir)).toBe(false);
    child.kill();
    await once(child, 'exit');
  });

  test('a refused opener leaves the holder’s name in place', async () => {
    const dir = newState();
    const store = await openStore(dir, { create: true, purpose: 'sallyport serve' });
    await openStore(dir, { purpose: 'sallyport grant' }).catch(() => undefined);
    expect(readFileSync(join(dir, 'lock'), 'utf8')).toBe(`${process.pid} sallyport serve\n`);
    await store.close();
  });
});

test('kill -9 in the middle of many writes never leaves a bad file, nor loses an acknowledged one', async () => {
  const dir = newState();
  await (await openStore(dir, { create: true })).close();
  const write = `for (let n = store.data.users.length; ; n++) {
  const user = { name: 'u' + n, createdAt: n, keys: [], labels: {} };
  await store.commit({ ...store.data, users: [...store.data.users, user] });
  await say(String(n + 1));
}`;
  let last = 0;
  for (let round = 0; round < 8; round++) {
    const child = second(dir, write);
    child.stdout.on('data', (chunk: Buffer) => {
      last = Number(chunk.toString().trim().split('\n').at(-1));
    });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 5 + round * 7));
    child.kill('SIGKILL');
    await once(child, 'close');
    const { users } = await readStore(dir);
    expect(users.length).toBeGreaterThanOrEqual(last);
    expect(users.every((u, i) => u.name === `u${i}`)).toBe(true);
  }
  expect(last).toBeGreaterThan(8);
  await (await openStore(dir)).close();
}, 60_000);
