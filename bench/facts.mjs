/** A feed moves the risk of everybody in one go, and of one person: until every session has followed, and until they read it. */

import { crew, OWN, usersOf } from './lib/crew.mjs';
import { adminOf } from './lib/crowd.mjs';
import { cpuSince, gateCpu } from './lib/gate-cpu.mjs';
import { mono, ms, quantile, sleep, until } from './lib/stats.mjs';

const SOLOS = 200;
const OTHERS = 80;
const EACH = 10;
const SESSIONS = SOLOS + OTHERS * EACH;
const RULES = 10_000;
const GRANTS = 10_000;
const ROUNDS = 10;

const users = new Map([...usersOf('solo', SOLOS, 1), ...usersOf('u', OTHERS, EACH)]);
const { options, open } = crew({
  ...{ users, rules: RULES, grants: GRANTS },
  config: [[['context', 'feeds'], { risk: { push: true, gives: ['risk.score'], refresh: '1h' } }]],
});

const scores = (score, of) => of.map((subject) => [subject, { 'risk.score': score }]);

/** Tells the feed's word; resolves with the ms until every session has answered, and how many have. */
async function tell(admin, score, of, whole) {
  const start = mono();
  const { effects } = await admin('context.push', { feed: 'risk', subjects: scores(score, of), whole });
  return { start, took: mono() - start, changed: effects.filter(({ outcome }) => outcome === 'changed').length };
}

/** What everyone hears, ROUNDS times: each takes some rights away or gives them back. */
async function everyone(admin, contender) {
  const times = [];
  const before = gateCpu(contender);
  for (let round = 0; round < ROUNDS; round++) {
    const { took, changed } = await tell(admin, round % 2 === 0 ? 60 : 10, [...users.keys()], true);
    if (changed !== SESSIONS) throw new Error(`${changed} of ${SESSIONS} followed`);
    times.push(took);
    await sleep(300);
  }
  const cpu = cpuSince(gateCpu(contender), before);
  return { times, cpu: Object.fromEntries(Object.entries(cpu).map(([name, used]) => [name, used / ROUNDS])) };
}

/** Each of the solos once, so that none has been told something within the last seconds. */
async function singles(admin, sessions) {
  const followed = [];
  const read = [];
  for (const session of sessions) {
    session.seenAt = undefined;
    session.text = '';
    session.channel.on('data', () => {
      if (session.text.includes('your rights changed')) session.seenAt ??= mono();
    });
    const { start, took, changed } = await tell(admin, 61, [session.user], false);
    if (changed !== 1) throw new Error(`${changed} of 1 followed`);
    followed.push(took);
    read.push((await until(() => session.seenAt, 'the line', { every: 1 })) - start);
  }
  return { followed, read };
}

const row = (label, values, aim = '') => [
  label,
  String(values.length),
  ...[0.5, 0.99, 1].map((q) => ms(quantile(values, q))),
  aim,
];

export default {
  name: 'facts',
  needs: ['sallyport'],
  sallyport: options,
  async run({ contenders: [contender] }) {
    if (!contender) throw new Error('this is about sallyport alone');
    const admin = await adminOf(contender);
    await tell(admin, 10, [...users.keys()], true);
    const sessions = await open(contender);
    await sleep(2_000);
    const all = await everyone(admin, contender);
    await sleep(6_000);
    const one = await singles(
      admin,
      sessions.filter(({ user }) => user.startsWith('solo')),
    );
    return {
      title: `Facts: ${SESSIONS} sessions, ${RULES} rules (${OWN} of each session), ${GRANTS} grants`,
      columns: ['', 'samples', 'p50', 'p99', 'longest', 'aim'],
      rows: [
        row(`a feed moves everybody at once: all ${SESSIONS} sessions have followed`, all.times, '< 1 s'),
        row('a feed moves one of them: the session has followed', one.followed, 'p99 < 20 ms'),
        row('and its person reads so', one.read),
      ],
      notes: [
        `Real throughout: shells (dash) on ptys in their namespaces, over ssh; ${SOLOS} users with one session each, ${OTHERS} with ${EACH}. From the moment the push is sent on the control socket to the reply that names the sessions.`,
        `CPU of a move of everybody: keeper ${ms(all.cpu.keeper)}, door ${ms(all.cpu.door)}, guard ${ms(all.cpu.guard)}, on two cores that the clients share.`,
      ],
    };
  },
};
