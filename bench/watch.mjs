/** What a session feels of those who watch it, what they cost the broker, and how soon they see its screen. */
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { onCleanup, stopTree } from './lib/cleanup.mjs';
import { cpuSince, gateCpu } from './lib/gate-cpu.mjs';
import { letter, oneKey } from './lib/keys.mjs';
import { benchFile, built } from './lib/paths.mjs';
import { openShell } from './lib/shells.mjs';
import { mb, mono, ms, quantile, ratio, sleep, us } from './lib/stats.mjs';

const KEYS = 1_500;
const WARM = 200;
const LINE = 60;
/** Between two keys, so that a viewer that would hold up the session had the time to; ms. */
const PAUSE = 2;
const LOOKS = 10;
const LONG_MB = 100;

const CROWDS = [
  ['nobody', 0],
  ['1 watcher', 1],
  ['200 watchers', 200],
  ['200 watchers who do not read', 200, 'stalled'],
];

async function crowd({ socket }, id, count, how) {
  if (count === 0) return { sums: async () => ({ screens: 0, bytes: 0 }), leave: async () => {} };
  const args = [benchFile('lib/watchers.mjs'), socket, id, String(count), ...(how ? [how] : [])];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onCleanup(() => stopTree(child));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    async sums() {
      child.stdin.write('\n');
      return JSON.parse((await lines.next()).value);
    },
    leave: () => stopTree(child),
  };
}

async function echo(shell) {
  const times = [];
  shell.write('cat\r');
  await sleep(300);
  for (let key = 0; key < KEYS + WARM; key++) {
    if (key % LINE === LINE - 1) {
      shell.write('\r');
      await sleep(20);
    }
    const took = await oneKey(shell, letter(key));
    if (key >= WARM) times.push(took);
    await sleep(PAUSE);
  }
  shell.write('\r\x04');
  await sleep(300);
  shell.clear();
  return times;
}

async function watched(broker, shell, id, [label, count, how]) {
  const people = await crowd(broker, id, count, how);
  await sleep(1_000);
  const before = { cpu: gateCpu(broker), at: mono(), ...(await people.sums()) };
  const times = await echo(shell);
  const took = mono() - before.at;
  const sums = await people.sums();
  const cpu = cpuSince(gateCpu(broker), before.cpu);
  const rss = rssOf(broker.pid);
  await people.leave();
  await sleep(500);
  const rate = count > 0 && how === undefined ? (sums.screens - before.screens) / count / (took / 1_000) : undefined;
  return { label, times, rate, rss, share: (name) => `${((100 * cpu[name]) / took).toFixed(1)} %` };
}

/** Shows LONG_MB of text. Looked at as it comes: all of it as one text would be slow to search. */
async function fill(shell) {
  shell.write('stty -echo\r');
  await sleep(300);
  const all = new Promise((resolve) => {
    let last = '';
    shell.tap((data) => {
      const text = last + data.toString('latin1');
      if (text.includes('all of it')) resolve();
      last = text.slice(-20);
    });
  });
  shell.write(`base64 -w 99 /dev/zero | head -c ${LONG_MB}000000; echo "all "of it\r`);
  await all;
  shell.tap(undefined);
}

const rssOf = (pid) => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** ms until a watcher has a screen, and until it is known to be the whole one. */
async function look(broker, id) {
  const { askFrames } = await built('control/stream-client.js');
  const { watchEvent } = await built('control/watch.js');
  const stop = new AbortController();
  const start = mono();
  let first;
  const stream = { way: broker.socket, verb: 'watch', request: { id }, schema: watchEvent, signal: stop.signal };
  for await (const found of askFrames(stream)) {
    if (found.item.type !== 'screen') continue;
    first ??= mono() - start;
    if (found.item.view.exact) break;
  }
  const whole = mono() - start;
  stop.abort();
  await sleep(300);
  return { first, whole };
}

async function looks(broker, id, label, n) {
  const seen = [];
  for (let i = 0; i < n; i++) seen.push(await look(broker, id));
  const [first, whole] = ['first', 'whole'].map((name) => seen.map((one) => one[name]));
  return [label, ms(quantile(first, 0.5)), ms(Math.max(...first)), ms(quantile(whole, 0.5))];
}

export default {
  name: 'watch',
  needs: ['sallyport'],
  async run({ contenders: [broker], privateKey }) {
    const shell = await openShell(broker, { privateKey });
    const id = /session ([0-9a-z]{26})/.exec(shell.greeting)?.[1];
    const small = await looks(broker, id, 'a session that has just begun', LOOKS);
    const crowds = [];
    for (const one of CROWDS) crowds.push(await watched(broker, shell, id, one));
    await fill(shell);
    const { callBroker } = await built('control/client.js');
    const { session } = await callBroker(broker.socket, 'session', { id });
    const size = statSync(session.recording).size / 1e6;
    const long = await looks(broker, id, `a recording of ${size.toFixed(0)} MB`, 3);
    await shell.close();
    const [alone] = crowds;
    return {
      title: 'Watching a session',
      columns: [
        'echo, cat',
        'p50',
        'p99',
        'p99 ÷ nobody',
        'keeper',
        'door',
        'viewer',
        "keeper's memory",
        'screens a second, each',
      ],
      rows: [
        ...crowds.map(({ label, times, rate, rss, share }) => [
          label,
          us(quantile(times, 0.5)),
          us(quantile(times, 0.99)),
          ratio(quantile(times, 0.99), quantile(alone.times, 0.99)),
          share('keeper'),
          share('door'),
          share('viewer'),
          mb(rss),
          rate === undefined ? '' : rate.toFixed(1),
        ]),
        ['', '', '', '', '', '', '', '', ''],
        ['until a screen is seen', 'p50', 'longest', 'the whole one, p50', '', '', '', '', ''],
        ...[small, long].map((row) => [...row, '', '', '', '', '']),
      ],
      notes: [
        `${KEYS} keys each, one at a time, ${PAUSE} ms apart; the watchers read in a process of their own on the same machine, whose CPUs it shares. Percent: of one core.`,
      ],
    };
  },
};
