/** What a quiet neighbour feels while other sessions do their worst: its echo, and the end at its deadline. */
import { addUsers, adminOf, openSessions } from './lib/crowd.mjs';
import { startDeathWatch } from './lib/deaths.mjs';
import { letter, oneKey } from './lib/keys.mjs';
import { openShell } from './lib/shells.mjs';
import { mono, ms, quantile, ratio, sleep, wallOffset } from './lib/stats.mjs';

const STORMS = 20;
const KEYS = 150;
/** Between two keys, ms: a person who types fast. */
const GAP = 20;
/** How long a storm gathers before the first key, ms. */
const GATHER = 1_200;
const HARD_S = 10;

const TRUE = 'while :; do /bin/true; done';
const BIG = `b=$(head -c 120000 /dev/zero | tr '\\0' x); set -- $b $b $b $b $b $b $b $b`;

const modes = [
  { name: 'nothing else', sessions: 0 },
  { name: 'exec storms', sessions: STORMS, line: TRUE },
  { name: 'exec storms, 1 MiB of arguments', sessions: STORMS, line: `${BIG}; while :; do /bin/true "$@"; done` },
  {
    name: 'one session, 50 exec storms at once, 1 MiB of arguments',
    sessions: 1,
    line: `${BIG}; for i in $(seq 50); do while :; do /bin/true "$@"; done & done 2>/dev/null; wait`,
  },
  { name: 'a fork bomb', sessions: 1, line: ':(){ :|:& };: 2>/dev/null' },
  { name: 'fork bombs', sessions: 5, line: ':(){ :|:& };: 2>/dev/null' },
  {
    name: 'zombies by thousands',
    sessions: 2,
    line: `python3 -c 'import os
while True:
    try:
        if os.fork() == 0: os._exit(0)
    except OSError: pass'`,
  },
  { name: 'output floods', sessions: 5, line: 'yes' },
  { name: 'signal storms', sessions: 5, line: 'trap : USR1; while :; do kill -USR1 $$; done' },
  { name: 'busy loops', sessions: STORMS, line: 'while :; do :; done' },
];

async function echoes(shell) {
  shell.clear();
  const times = [];
  for (let key = 0; key < KEYS; key++) {
    if (key % 50 === 49) shell.write('\x15');
    await sleep(GAP);
    times.push(await oneKey(shell, letter(key)));
  }
  shell.write('\x15');
  return times;
}

const openStorms = (contender, mode, privateKey) =>
  Promise.all(Array.from({ length: mode.sessions }, () => openShell(contender, { privateKey, user: 'storm' })));

async function during(contender, mode, keys, work) {
  const storms = await openStorms(contender, mode, keys.get('storm'));
  for (const shell of storms) shell.write(`${mode.line}\r`);
  for (const shell of storms) shell.tap(() => {});
  await sleep(GATHER);
  const result = await work();
  await Promise.all(storms.map((shell) => shell.close()));
  return result;
}

/** How late the last process of sessions dies whose deadline comes in the middle of exec storms, ms. */
async function overshoots(contender, admin, keys) {
  const watch = startDeathWatch();
  const sessions = await openSessions(
    contender,
    Array.from({ length: 5 }, () => 'brief'),
    keys,
  );
  await watch.watch(sessions.flatMap((session) => session.pids));
  const listed = (await admin('sessions', {})).sessions;
  const due = new Map(listed.map((session) => [session.id, Date.parse(session.deadlineAt)]));
  return await during(contender, modes[1], keys, async () => {
    const offset = wallOffset();
    const late = [];
    for (const { id, pids } of sessions) late.push((await watch.lastDeath(pids)) + offset - due.get(id));
    return late;
  });
}

export default {
  name: 'storm',
  needs: ['sallyport'],
  sallyport: {
    config: [[['session', 'roles'], { brief: { hard: `${HARD_S}s` } }]],
    policy: 'g, brief, engineer\ng, stormy, engineer',
  },
  async run({ contenders: [contender], dir, privateKey }) {
    if (!contender) throw new Error('this is about sallyport alone');
    const admin = await adminOf(contender);
    const keys = await addUsers(admin, dir, ['storm'], 'stormy');
    for (const [name, key] of await addUsers(admin, dir, ['brief'], 'brief')) keys.set(name, key);
    const quiet = await openShell(contender, { privateKey });
    const wanted = (process.env.STORM_MODES ?? '').split(',').filter(Boolean).map(Number);
    const chosen = modes.filter((_, at) => at === 0 || wanted.length === 0 || wanted.includes(at));
    const rows = [];
    let base;
    for (const mode of chosen) {
      const start = mono();
      const times = await during(contender, mode, keys, () => echoes(quiet));
      base ??= quantile(times, 0.5);
      rows.push([
        mode.sessions === 0 ? mode.name : `${mode.name} (${mode.sessions})`,
        ...[0.5, 0.99, 1].map((q) => ms(quantile(times, q))),
        ratio(quantile(times, 0.5), base),
        mode.sessions === 0 ? '' : 'p99 < 100 ms',
      ]);
      if (process.env.BENCH_DEBUG) process.stderr.write(`${rows.at(-1).join(' | ')} ${mono() - start}\n`);
      await sleep(300);
    }
    await quiet.close();
    const late = await overshoots(contender, admin, keys);
    rows.push([
      'deadline to last process dead, in exec storms',
      ...[0.5, 0.99, 1].map((q) => ms(quantile(late, q))),
      '',
      '',
    ]);
    return {
      title: "A quiet neighbour's keystrokes while others storm",
      columns: ['', 'p50', 'p99', 'longest', 'p50 ÷ quiet', 'aim'],
      rows,
      notes: [
        `${KEYS} keys at a bash prompt, ${GAP} ms after the last echo; in brackets how many sessions storm.`,
        'The client that measures competes for the same cores, so that its own wait is in the numbers.',
      ],
    };
  },
};
