/** Shells opened by ssh2's client inside this process: for timing single bytes, and for holding many sessions. */
import { once } from 'node:events';
import { connect } from 'node:net';
import ssh2 from 'ssh2';
import { mono } from './stats.mjs';

export const PROMPT = /[$#] (?:\x1b\[\?2004h)?$/;

/**
 * Opens a pty shell and waits for its prompt. `shell.wait(pattern)` resolves with all text since the last `clear()`
 * once the pattern is in it. `shell.greeting` is what came before the first prompt was done.
 */
export async function openShell(contender, { user = contender.user, privateKey, timeout = 60_000 }) {
  const socket = connect({ port: contender.port, host: '127.0.0.1', noDelay: true });
  const client = new ssh2.Client();
  client.on('error', () => {});
  const ready = Promise.race([
    once(client, 'ready'),
    once(client, 'close').then(() => Promise.reject(new Error(`${contender.name}: closed before login`))),
  ]);
  client.connect({ sock: socket, username: user, privateKey, readyTimeout: timeout, hostVerifier: () => true });
  await ready;
  const channel = await new Promise((resolve, reject) =>
    client.shell({ term: 'xterm', cols: 200, rows: 50 }, (error, ch) => (error ? reject(error) : resolve(ch))),
  );
  const shell = asShell(contender, client, channel, timeout);
  return Object.assign(shell, { greeting: await shell.wait(PROMPT) });
}

function asShell(contender, client, channel, timeout) {
  let text = '';
  let waiting;
  let onByte;
  let closedAt;
  const look = () => {
    if (!waiting?.pattern.test(text)) return;
    clearTimeout(waiting.timer);
    waiting.resolve(text);
    waiting = undefined;
  };
  channel.on('data', (data) => {
    if (onByte !== undefined) return onByte(data);
    text += data.toString('latin1');
    look();
  });
  channel.stderr.on('data', (data) => {
    text += data.toString('latin1');
  });
  channel.on('error', () => {});
  channel.on('close', () => {
    closedAt = mono();
    waiting?.reject(new Error(`${contender.name}: closed; last: ${JSON.stringify(text.slice(-200))}`));
  });
  return {
    contender,
    channel,
    closedAt: () => closedAt,
    clear() {
      text = '';
    },
    write: (data) => channel.write(data),
    /** Raw bytes go to `fn` from now on, not to `wait`; undefined ends that. */
    tap(fn) {
      onByte = fn;
    },
    wait(pattern, limit = timeout) {
      return new Promise((resolve, reject) => {
        const late = () =>
          reject(
            new Error(`${contender.name}: no ${pattern} in ${limit} ms; last: ${JSON.stringify(text.slice(-300))}`),
          );
        waiting = { pattern, resolve, reject, timer: setTimeout(late, limit) };
        look();
      });
    },
    /** Types a line and resolves with what came, prompt included. */
    async run(line, limit) {
      text = '';
      channel.write(`${line}\r`);
      return await this.wait(new RegExp(`\\n[^]*${PROMPT.source}`), limit);
    },
    async close() {
      if (closedAt !== undefined) return;
      const closed = once(client, 'close');
      client.end();
      setTimeout(() => client.destroy(), 2_000).unref();
      await closed;
    },
  };
}
