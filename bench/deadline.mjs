/** How long after its hard deadline the last process of a session is still there. */
import { addUsers, adminOf, openSessions } from './lib/crowd.mjs';
import { startDeathWatch } from './lib/deaths.mjs';
import { ms, quantile, sleep, wallOffset } from './lib/stats.mjs';

const BATCHES = 4;
const SESSIONS = 30;
const HARD_S = 8;

async function batch(contender, admin, watch, keys) {
  const sessions = await openSessions(
    contender,
    Array.from({ length: SESSIONS }, () => 'brief'),
    keys,
  );
  await watch.watch(sessions.flatMap((session) => session.pids));
  const listed = (await admin('sessions', {})).sessions.filter((session) => session.user === 'brief');
  if (listed.length !== SESSIONS) throw new Error(`${listed.length} of ${SESSIONS} sessions live: too slow a machine`);
  const due = new Map(listed.map((session) => [session.id, Date.parse(session.deadlineAt)]));
  const offset = wallOffset();
  const late = [];
  for (const { id, pids } of sessions) late.push((await watch.lastDeath(pids)) + offset - due.get(id));
  return late;
}

export default {
  name: 'deadline',
  needs: ['sallyport'],
  sallyport: { config: [[['session', 'roles'], { brief: { hard: `${HARD_S}s` } }]], policy: 'g, brief, engineer' },
  async run({ contenders: [contender], dir }) {
    if (!contender) throw new Error('this is about sallyport alone');
    const admin = await adminOf(contender);
    const watch = startDeathWatch();
    const keys = await addUsers(admin, dir, ['brief'], 'brief');
    const late = [];
    for (let i = 0; i < BATCHES; i++) {
      late.push(...(await batch(contender, admin, watch, keys)));
      await sleep(300);
    }
    return {
      title: 'Overshoot of the hard deadline',
      columns: ['', 'samples', 'first', 'p50', 'p99', 'longest', 'aim'],
      rows: [
        [
          'deadline to last process dead',
          String(late.length),
          ...[0, 0.5, 0.99, 1].map((q) => ms(quantile(late, q))),
          'p99 < 20 ms',
        ],
      ],
      notes: [
        `${BATCHES} batches of ${SESSIONS} sessions with a hard limit of ${HARD_S} s, each with a background process that ignores HUP and TERM.`,
        'The deadline is what `sallyport sessions` shows, to the ms; deaths are told by pidfds.',
      ],
    };
  },
};
