/**
 * What one decision costs in a small and in a large company: the user asked about has ten rules and ten grants in
 * both; all others belong to other people. In this process, on the built modules.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built, tree } from './lib/paths.mjs';
import { median, mono, ms, quantile, ratio, us } from './lib/stats.mjs';

const SIZES = [100, 10_000];
const OWN = 10;
const DECISIONS = 20_000;
const REPEATS = 200;
const COLD = 40;
const ACTS = 30;

/** Ten rules of one's own, of the kinds that occur; `n - 10` of other roles. */
function policyText(n) {
  const own = [
    'p, own-login, own0, *, @login, true, allow, checked',
    'p, own-session, own1, *, @session, time.hour >= 0 && time.hour < 24, allow, checked',
    'p, own-cidr, own2, *, @exec, "cidr(source.ip, \'127.0.0.0/8\')", allow, checked',
    'p, own-git, own3, *, git {status|log|diff} **, true, allow, checked',
    'p, own-kubectl, own4, *, kubectl ** {-n|--namespace} **, target.sensitivity < 3, allow, trusted',
    'p, own-ls, own5, *, ls **, true, allow, none',
    'p, own-cat, own6, *, cat **, true, allow, none',
    'p, own-systemctl, own7, *, systemctl {start|stop} *, has(risk.score) && risk.score < 50, allow, checked',
    'p, own-no-rm, own8, *, rm {-r|-R|--recursive} **, true, deny, checked',
    'p, own-true, own9, *, true, true, allow, checked',
  ];
  const others = Array.from(
    { length: n - OWN },
    (_, i) => `p, r${i}, other${i % 997}, *, tool${i} {-a|--all} **, time.hour >= ${i % 24}, allow, checked`,
  );
  return [...own, ...others].join('\n');
}

async function company(n, dir) {
  const { compilePolicy } = await built('policy/index.js');
  const { openAuthority } = await built('authority/index.js');
  const { openStore } = await built('store/index.js');
  const { parseConfig } = await built('config/index.js');
  const { systemClock } = await built('core/clock.js');
  const home = join(dir, `company-${n}`);
  mkdirSync(join(home, 'state'), { recursive: true, mode: 0o700 });
  const config = parseConfig('listen: 127.0.0.1:2222\n', home);
  const started = mono();
  const { policy, problems } = compilePolicy({
    modelText: readFileSync(join(tree, 'policies/model.conf'), 'utf8'),
    modelFile: 'model.conf',
    policyText: policyText(n),
    policyFile: 'policy.csv',
    labels: config.labels,
  });
  const compiled = mono() - started;
  if (!policy) throw new Error(`policy: ${problems[0]?.message}`);
  const store = await openStore(join(home, 'state'), { create: true });
  await store.commit({ ...store.data, users: usersOf(n), grants: grantsOf(n) });
  const authority = openAuthority({ store, policy, clock: systemClock(), config });
  return { authority, store, compiled };
}

const usersOf = (n) =>
  ['me', ...Array.from({ length: Math.ceil(n / 10) }, (_, i) => `user${i}`)].map((name) => ({
    name,
    createdAt: Date.now(),
    keys: [],
    labels: {},
  }));

const grantsOf = (n) =>
  Array.from({ length: n }, (_, i) => ({
    id: `0000000000000000${String(i).padStart(10, '0')}`,
    user: i < OWN ? 'me' : `user${i % Math.ceil(n / 10)}`,
    role: i < OWN ? `own${i}` : `other${i % 997}`,
    target: '*',
    from: Date.now() - 1_000,
    until: Date.now() + 3_600_000 + i * 1_000,
    reason: 'bench',
    by: 'root',
    createdAt: Date.now(),
  }));

const file = (path) => ({ path, names: [path.split('/').at(-1)], trustedNames: [path.split('/').at(-1)] });
const command = (...words) => ({ kind: 'command', words: words.map((text) => ({ text })), program: file(words[0]) });

const questions = [
  { kind: 'action', action: '@session' },
  command('/usr/bin/git', 'log', '--oneline'),
  command('/usr/bin/true'),
  command('/usr/bin/rm', '-fr', '/srv/x'),
  command('/usr/bin/kubectl', 'get', 'pods', '-n', 'web'),
  command('/usr/bin/nc', '-l', '99'),
];

/** No question twice in a row of a thousand, as arguments differ in life too. */
const asked = Array.from({ length: 996 }, (_, i) => {
  const question = questions[i % questions.length];
  return question.kind === 'action' ? question : { ...question, words: [...question.words, { text: `file-${i}` }] };
});

const timesOf = async (count, job) => {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = mono();
    await job(i);
    times.push(mono() - start);
  }
  return times;
};

async function measure({ authority, compiled }, round) {
  const { compileRights } = await built('policy/index.js');
  const query = {
    ...{ user: 'me', target: 'local', startedAt: Date.now() },
    ...{ source: { ip: '127.0.0.1' }, auth: { method: 'publickey' } },
  };
  const data = authority.rightsFor(query);
  const rights = await compileRights(data);
  const decide = (i) => rights.decide(asked[i % asked.length], Date.now() + i);
  for (let i = 0; i < asked.length; i++) decide(i);
  const decisions = [];
  for (let i = 0; i < DECISIONS; i++) {
    const start = mono();
    decide(i);
    decisions.push(mono() - start);
  }
  const variant = (k) => ({ ...data, rows: data.rows.map((row) => ({ ...row, id: `${row.id}-${round}-${k}` })) });
  return {
    rows: data.rows.length,
    answers: questions.map((q) => (rights.decide(q, Date.now()).allow ? 'allow' : 'deny')).join(' '),
    p50: quantile(decisions, 0.5),
    p99: quantile(decisions, 0.99),
    rightsFor: median(await timesOf(REPEATS, () => authority.rightsFor(query))),
    cold: median(await timesOf(COLD, (k) => compileRights(variant(k)))),
    warm: median(await timesOf(REPEATS, () => compileRights(data))),
    act: median(
      await timesOf(ACTS, () => authority.grant({ user: 'user0', role: 'own0', reason: 'bench', by: 'root' })),
    ),
    compiled,
  };
}

export default {
  name: 'decisions',
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
    const [small, large] = found;
    const row = (label, key, show, aim = '') => [
      label,
      show(small[key]),
      show(large[key]),
      ratio(large[key], small[key]),
      aim,
    ];
    const flat = '≤ 1.5×';
    return {
      title: 'A decision among many rules and grants',
      columns: ['', ...SIZES.map((n) => `${n} rules and grants`), 'growth', 'aim'],
      rows: [
        row('decide, p50', 'p50', us, flat),
        row('decide, p99', 'p99', us, flat),
        row('rightsFor', 'rightsFor', us, flat),
        row('compileRights, first of its kind', 'cold', us, flat),
        row('compileRights, known rows', 'warm', us, flat),
        row('a grant, until durable', 'act', ms),
        row('the whole policy read and checked', 'compiled', ms),
      ],
      notes: [
        `The user has ${OWN} rules and ${OWN} grants in both; ${small.rows} and ${large.rows} rows reach the session.`,
        `${DECISIONS} decisions: six questions with varying arguments (${small.answers}; at the larger size ${large.answers}).`,
        'Shown without aim: what grows with the store and the file, and is paid per act and per reload.',
      ],
    };
  },
};
