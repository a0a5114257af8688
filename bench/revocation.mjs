/** From an admin's word to the last process of every session concerned, with 100 sessions live. */
import { addUsers, adminOf, openSessions } from './lib/crowd.mjs';
import { startDeathWatch } from './lib/deaths.mjs';
import { mono, ms, quantile, sleep } from './lib/stats.mjs';

const SESSIONS = 100;
const SINGLES = 40;
const ROUNDS = 2;

const soloists = Array.from({ length: SINGLES }, (_, i) => `solo${i}`);
const everyone = (n) => Array.from({ length: n }, () => 'many');

/** Sends one command; resolves with ms to the reply and ms to each session's last death. */
async function strike(watch, sessions, send) {
  const start = mono();
  const reply = await send();
  const answered = mono() - start;
  const deaths = [];
  for (const { pids } of sessions) deaths.push((await watch.lastDeath(pids)) - start);
  const ended = reply.effects.filter((effect) => effect.outcome === 'ended').length;
  if (ended !== sessions.length) throw new Error(`${ended} of ${sessions.length} named as ended`);
  return { answered, deaths };
}

async function singles(contender, admin, watch, keys) {
  const solos = await openSessions(contender, soloists, keys);
  const others = await openSessions(contender, everyone(SESSIONS - SINGLES), keys);
  await watch.watch([...solos, ...others].flatMap((session) => session.pids));
  const replies = [];
  const deaths = [];
  for (const session of solos) {
    const { answered, deaths: died } = await strike(watch, [session], () => admin('revoke', { subject: session.user }));
    replies.push(answered);
    deaths.push(...died);
    await sleep(50);
  }
  return { replies, deaths, others };
}

async function allAtOnce(contender, admin, watch, keys, standing) {
  const more = await openSessions(contender, everyone(SESSIONS - standing.length), keys);
  await watch.watch(more.flatMap((session) => session.pids));
  await sleep(500);
  const { lock, ...result } = await lockAll(admin, watch, [...standing, ...more]);
  await admin('unlock', { id: lock.id });
  return result;
}

async function lockAll(admin, watch, sessions) {
  let lock;
  const result = await strike(watch, sessions, async () => {
    const reply = await admin('lock', { kind: 'user', subject: 'many', reason: 'bench' });
    lock = reply.lock;
    return reply;
  });
  return { lock, ...result };
}

const row = (label, values, aim = '') => [
  label,
  String(values.length),
  ...[0.5, 0.99, 1].map((q) => ms(quantile(values, q))),
  aim,
];

export default {
  name: 'revocation',
  needs: ['sallyport'],
  async run({ contenders: [contender], dir }) {
    if (!contender) throw new Error('this is about sallyport alone');
    const admin = await adminOf(contender);
    const watch = startDeathWatch();
    const keys = await addUsers(admin, dir, [...soloists, 'many'], 'engineer');
    const one = await singles(contender, admin, watch, keys);
    const rounds = [];
    let standing = one.others;
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await allAtOnce(contender, admin, watch, keys, standing));
      standing = [];
    }
    const aim = 'p99 < 50 ms';
    return {
      title: `Revocation with ${SESSIONS} sessions live`,
      columns: ['', 'samples', 'p50', 'p99', 'longest', 'aim'],
      rows: [
        row('revoke one user: reply', one.replies),
        row('revoke one user: session dead', one.deaths, aim),
        row(
          `lock the user of ${SESSIONS} sessions: reply`,
          rounds.map((r) => r.answered),
        ),
        row(
          `lock the user of ${SESSIONS} sessions: each session dead`,
          rounds.flatMap((r) => r.deaths),
          aim,
        ),
      ],
      notes: [
        'From the moment the request is sent on the control socket, as the command line sends it.',
        "Dead: every process of the session's pid namespace is gone, a background one that ignores HUP and TERM included, as a pidfd tells.",
        `The single ones strike while the number of live sessions falls from ${SESSIONS} to ${SESSIONS - SINGLES + 1}.`,
        'sshd and the bare server have no such command.',
      ],
    };
  },
};
