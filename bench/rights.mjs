/**
 * What a login pays for its rights in a small company and in a very large one: built by the authority, compiled, @login and
 * @session decided, deadlines reckoned. In this process, on the built modules; each login is another user's.
 */
import { join } from 'node:path';
import { crewRules, grantsOf, openCompany, otherRules } from './lib/company.mjs';
import { built } from './lib/paths.mjs';
import { mono, ms, quantile, ratio, us } from './lib/stats.mjs';

const SIZES = [1_000, 100_000];
const OWN = 50;
const LOGINS = 3_000;
const DECISIONS = 20_000;
/** Roles that a role of the crew is the only one to hold: every user's set of rules is then one of so many. */
const KINDS = 200;

async function company(size, dir) {
  const users = Array.from({ length: size / 10 }, (_, i) => `user${i}`);
  const groups = users.map((name, i) => `g, ${name}, kind${i % KINDS}`);
  const kinds = Array.from({ length: KINDS }, (_, i) => `g, kind${i}, crew`);
  const own = Array.from({ length: KINDS }, (_, i) => `p, kind${i}, kind${i}, *, special${i} **, true, allow, checked`);
  const started = mono();
  const made = await openCompany(join(dir, `company-${size}`), {
    policyText: [...crewRules(OWN), ...own, ...otherRules(size - OWN - KINDS), ...groups, ...kinds].join('\n'),
    users: users.map((name) => ({ name, createdAt: 0, labels: {}, keys: [] })),
    grants: grantsOf(size, users, (i) => `other${i % 997}`),
  });
  return { ...made, users, opened: mono() - started };
}

async function measure({ authority, config, clock, users }, round) {
  const { compileRights } = await built('policy/index.js');
  const { sessionDeadlines } = await built('keeper/terms.js');
  const { LOGIN_QUESTION, SESSION_QUESTION } = await built('session/index.js');
  const parts = { rows: 0, building: [], whole: [] };
  for (let i = 0; i < LOGINS; i++) {
    // Users far from each other in every table, and others than in the round before.
    const user = users[((round * LOGINS + i) * 7_919) % users.length];
    const startedAt = clock.now();
    const start = mono();
    const data = authority.rightsFor({
      user,
      target: 'local',
      source: { ip: '10.0.0.1' },
      auth: { method: 'publickey' },
      startedAt,
    });
    const rights = await compileRights(data);
    parts.building.push(mono() - start);
    if (!rights.decide(LOGIN_QUESTION, startedAt).allow || !rights.decide(SESSION_QUESTION, startedAt).allow)
      throw new Error(`${user} is refused`);
    sessionDeadlines(config, data, rights, startedAt, startedAt);
    parts.whole.push(mono() - start);
    parts.rows = data.rows.length;
  }
  return { ...parts, decisions: await decisions(authority, users) };
}

const file = (name) => ({ path: `/usr/bin/${name}`, names: [name], trustedNames: [name] });
const command = (i) => {
  const name = i % 3 === 0 ? 'sleep' : `tool${i % OWN}`;
  const words = [`/usr/bin/${name}`, '-a', `file-${i % 1_009}`].map((text) => ({ text }));
  return { kind: 'command', words, program: file(name) };
};

async function decisions(authority, users) {
  const { compileRights } = await built('policy/index.js');
  const query = { user: users[0], target: 'local', source: { ip: '10.0.0.1' }, auth: { method: 'publickey' } };
  const rights = await compileRights(authority.rightsFor({ ...query, startedAt: Date.now() }));
  const times = [];
  for (let i = -1_000; i < DECISIONS; i++) {
    const question = command(i + 1_000);
    const start = mono();
    rights.decide(question, Date.now());
    if (i >= 0) times.push(mono() - start);
  }
  return times;
}

export default {
  name: 'rights',
  needs: [],
  async run({ dir }) {
    const companies = [];
    for (const size of SIZES) companies.push(await company(size, dir));
    // Twice, so that neither pays for the compiler's warming up; the second counts.
    let found = [];
    for (let round = 0; round < 2; round++) {
      found = [];
      for (const made of companies) found.push(await measure(made, round));
    }
    for (const { authority, store } of companies) {
      authority.close();
      await store.close();
    }
    const row = (label, pick, q, show, aim = '') => {
      const [small, large] = found.map((one) => quantile(one[pick], q));
      return [label, show(small), show(large), ratio(large, small), aim];
    };
    return {
      title: 'Rights at login among many rules and grants',
      columns: ['', ...SIZES.map((n) => `${n} rules and grants`), 'growth', 'aim'],
      rows: [
        row('rights built: rightsFor and compileRights, p50', 'building', 0.5, us),
        row('rights built, p99', 'building', 0.99, us, '< 5 ms'),
        row('rights built, longest', 'building', 1, ms),
        row('with @login, @session and deadlines, p99', 'whole', 0.99, us, '< 5 ms'),
        row('decide, p50', 'decisions', 0.5, us, 'flat'),
        row('decide, p99', 'decisions', 0.99, us, 'flat'),
      ],
      notes: [
        `${LOGINS} logins of ${companies[0].users.length} and ${companies[1].users.length} users, each with ten grants and one of ${KINDS} roles of their own beside the ${OWN} rules all have; ${found[0].rows} and ${found[1].rows} rules reach a session.`,
        `Once at start: ${companies.map(({ opened }, i) => `${ms(opened)} for ${SIZES[i]}`).join(', ')} (policy read and checked, store written, authority opened).`,
        `${DECISIONS} decisions of one session, with varying arguments.`,
      ],
    };
  },
};
