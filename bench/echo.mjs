/** One key, one echo: the next is typed when the last has come back. Contenders take turns, key by key. */
import { letter, oneKey } from './lib/keys.mjs';
import { openShell } from './lib/shells.mjs';
import { quantile, ratio, us } from './lib/stats.mjs';

const KEYS = 3_000;
const WARM = 200;
const LINE = 60;
const modes = [
  { name: 'cat', note: 'the line discipline echoes', start: 'cat', newLine: '\r' },
  { name: 'bash prompt', note: 'readline echoes', start: undefined, newLine: '\x15' },
];

const pause = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

async function measure(shells, mode) {
  for (const shell of shells) {
    shell.clear();
    if (mode.start) shell.write(`${mode.start}\r`);
  }
  await pause(300);
  const times = shells.map(() => []);
  for (let key = 0; key < KEYS + WARM; key++) {
    if (key % LINE === LINE - 1) {
      for (const shell of shells) shell.write(mode.newLine);
      await pause(20);
    }
    for (const [i, shell] of shells.entries()) {
      const took = await oneKey(shell, letter(key));
      if (key >= WARM) times[i].push(took);
    }
  }
  for (const shell of shells) shell.write(mode.start ? '\r\x04' : '\x15');
  await pause(300);
  return times;
}

export default {
  name: 'echo',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, privateKey }) {
    const shells = [];
    for (const contender of contenders) shells.push(await openShell(contender, { privateKey }));
    const rows = [];
    for (const mode of modes) {
      const times = await measure(shells, mode);
      for (const [label, q] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ]) {
        const values = times.map((t) => quantile(t, q));
        const aim = '≤ 1.3× sshd';
        rows.push([`${mode.name}, ${label}`, ...values.map(us), ...againstFirst(contenders, values), aim]);
      }
    }
    for (const shell of shells) await shell.close();
    return {
      title: 'Keystroke echo',
      columns: ['', ...contenders.map((c) => c.name), ...ratioNames(contenders), 'aim'],
      rows,
      notes: [
        `${KEYS} keys each, one at a time, contenders in turn key by key; ssh2's client in one process for all.`,
        ...modes.map((mode) => `${mode.name}: ${mode.note}.`),
      ],
    };
  },
};

/** Ratios of every contender to the first one. */
export const againstFirst = (contenders, values) => contenders.slice(1).map((_, i) => ratio(values[i + 1], values[0]));
export const ratioNames = (contenders) => contenders.slice(1).map((c) => `${c.name} ÷ ${contenders[0].name}`);
