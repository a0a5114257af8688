/** What it costs that a thousand live sessions are re-checked every second, and what a neighbour's keys feel of it. */

import { crew, OWN, usersOf } from './lib/crew.mjs';
import { addUsers, adminOf } from './lib/crowd.mjs';
import { cpuSince, gateCpu } from './lib/gate-cpu.mjs';
import { letter, oneKey } from './lib/keys.mjs';
import { openShell } from './lib/shells.mjs';
import { mono, quantile, sleep, us } from './lib/stats.mjs';

const SESSIONS = Number(process.env.RECHECK_SESSIONS ?? 1_000);
const RULES = 10_000;
const GRANTS = 10_000;
const CHANNELS = 10;
const KEYS = 1_000;
const IDLE_MS = 10_000;

const { options, open } = crew({
  users: new Map(usersOf('u', SESSIONS / CHANNELS, CHANNELS)),
  rules: RULES,
  grants: GRANTS,
  policy: ['g, quiet, engineer'],
});

async function echoes(shell) {
  shell.clear();
  const times = [];
  for (let key = 0; key < KEYS; key++) {
    if (key % 60 === 59) shell.write('\x15');
    times.push(await oneKey(shell, letter(key)));
    await sleep(1);
  }
  shell.write('\x15');
  await sleep(100);
  return times;
}

/** CPU of each process while nobody does anything, % of one core. */
async function idleCpu(contender) {
  const before = gateCpu(contender);
  const start = mono();
  await sleep(IDLE_MS);
  const used = cpuSince(gateCpu(contender), before);
  const took = mono() - start;
  return Object.fromEntries(Object.entries(used).map(([name, ms]) => [name, (100 * ms) / took]));
}

async function measure(contender, shell) {
  const times = await echoes(shell);
  const cpu = await idleCpu(contender);
  return { times, cpu };
}

const percent = (value) => `${value.toFixed(2)} %`;
const row = (label, { times, cpu }, aim = '') => [
  label,
  ...[cpu.keeper, cpu.door, cpu.guard, cpu.keeper + cpu.door + cpu.guard].map(percent),
  ...[0.5, 0.99].map((q) => us(quantile(times, q))),
  aim,
];

export default {
  name: 'recheck',
  needs: ['sallyport'],
  sallyport: options,
  async run({ contenders: [contender], dir }) {
    if (!contender) throw new Error('this is about sallyport alone');
    const admin = await adminOf(contender);
    const [[, privateKey]] = await addUsers(admin, dir, ['quiet'], 'engineer');
    const shell = await openShell(contender, { user: 'quiet', privateKey });
    await sleep(1_000);
    const alone = await measure(contender, shell);
    const opening = mono();
    await open(contender);
    const opened = mono() - opening;
    const live = (await admin('sessions', {})).sessions.length;
    if (live !== SESSIONS + 1) throw new Error(`${live} sessions of ${SESSIONS + 1}`);
    await sleep(3_000);
    const crowded = await measure(contender, shell);
    return {
      title: `${SESSIONS} live sessions re-checked every second: ${RULES} rules (${OWN} of each session), ${GRANTS} grants`,
      columns: ['', 'keeper', 'door', 'guard', 'together', 'echo p50', 'echo p99', 'aim'],
      rows: [row('one session', alone), row(`${SESSIONS} more`, crowded, 'under 10 % of one core, echo unchanged')],
      notes: [
        `Real throughout: ${SESSIONS} shells (dash) on ptys in their namespaces, over ssh, ${CHANNELS} on a connection, each of a user with ${(GRANTS * CHANNELS) / SESSIONS} grants; opened in ${Math.round(opened)} ms. Nobody types in them.`,
        `CPU: all threads of each process over ${IDLE_MS / 1_000} s in which nobody does anything, % of one core. Echo: ${KEYS} keys of one neighbour, measured apart from it.`,
      ],
    };
  },
};
