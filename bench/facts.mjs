/**
 * A feed moves the risk of a thousand people in one go, and of one of them: from the feed's word to the last door's answer.
 * The keeper's side runs in this process, a door's in another, on the built modules; ssh, shells and guards are left out.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onCleanup } from './lib/cleanup.mjs';
import { built, tree } from './lib/paths.mjs';
import { mono, ms, quantile, sleep } from './lib/stats.mjs';

const SESSIONS = 1_000;
const RULES = 10_000;
const GRANTS = 10_000;
/** Rules a session of the thousand is decided by. */
const OWN = 50;
const ROUNDS = 10;
const SINGLES = 200;

const conditions = ['true', 'risk.score < 50.0', 'has(risk.score) && risk.score < 70.0', 'time.hour >= 0'];

function policyText() {
  const own = Array.from(
    { length: OWN - 2 },
    (_, i) => `p, own${i}, engineer, *, tool${i} {-a|--all} **, ${conditions[i % conditions.length]}, allow, checked`,
  );
  const others = Array.from(
    { length: RULES - OWN },
    (_, i) => `p, r${i}, other${i % 997}, *, tool${i} **, risk.score < ${i % 90}.5, allow, checked`,
  );
  const gates = [
    'p, login, engineer, *, @login, true, allow, checked',
    'p, session, engineer, *, @session, risk.score < 95.0, allow, checked',
  ];
  const members = Array.from({ length: SESSIONS }, (_, i) => `g, user${i}, engineer`);
  return [...gates, ...own, ...others, ...members].join('\n');
}

const KEY = { type: 'ssh-ed25519', data: 'AAAA', comment: '', addedAt: 0 };
const users = () =>
  Array.from({ length: SESSIONS }, (_, i) => ({
    name: `user${i}`,
    createdAt: 0,
    labels: {},
    keys: [{ ...KEY, fp: `SHA256:${String(i).padStart(43, '0')}` }],
  }));

const grants = () =>
  Array.from({ length: GRANTS }, (_, i) => ({
    id: `0000000000000000${String(i).padStart(10, '0')}`,
    user: `user${i % SESSIONS}`,
    role: `role${i % 13}`,
    target: 'elsewhere/*',
    from: 0,
    until: Date.now() + 3_600_000 + i * 1_000,
    reason: 'bench',
    by: 'root',
    createdAt: 0,
  }));

async function openKeeper(dir) {
  const { compilePolicy, compileRights } = await built('policy/index.js');
  const { openAuthority } = await built('authority/index.js');
  const { openStore } = await built('store/index.js');
  const { parseConfig } = await built('config/index.js');
  const { systemClock } = await built('core/clock.js');
  const { createRegistry } = await built('keeper/registry.js');
  const { createLive } = await built('keeper/live.js');
  const { sessionDeadlines } = await built('keeper/terms.js');
  const home = join(dir, 'facts');
  mkdirSync(join(home, 'state'), { recursive: true, mode: 0o700 });
  const config = parseConfig('context: { feeds: { risk: { push: true, gives: [risk.score] } } }\n', home);
  const { policy, problems } = compilePolicy({
    modelText: readFileSync(join(tree, 'policies/model.conf'), 'utf8'),
    ...{ modelFile: 'model.conf', policyText: policyText(), policyFile: 'policy.csv', labels: config.labels },
  });
  if (!policy) throw new Error(`policy: ${problems[0]?.message}`);
  const clock = systemClock();
  const store = await openStore(join(home, 'state'), { create: true });
  await store.commit({ ...store.data, users: users(), grants: grants() });
  const authority = openAuthority({ store, policy, clock, config });
  authority.tell('risk', scores(10));
  const registry = createRegistry();
  const endings = { order: async () => {}, force: async () => {} };
  const parts = { authority, config: { current: config }, clock, registry, endings, watchdog: { watch() {} } };
  const live = createLive({ ...parts, trees: {}, pairs: { info: () => [] } });
  const admit = async (i, pair) => {
    const user = `user${i}`;
    const auth = { method: 'publickey', key: `SHA256:${String(i).padStart(43, '0')}` };
    const startedAt = clock.now();
    const rights = authority.rightsFor({ user, target: 'local', source: { ip: '127.0.0.1' }, auth, startedAt });
    const compiled = await compileRights(rights);
    const deadlines = sessionDeadlines(config, rights, compiled, startedAt, startedAt);
    const session = { id: `01${String(i).padStart(24, '0')}`, user, target: 'local', key: auth.key, pair, startedAt };
    registry.add({
      ...session,
      rights,
      compiled,
      deadlines,
      state: 'live',
      version: 0,
      turns: 0,
      over: new Promise(() => {}),
    });
    pair.toDoor({ type: 'rights', sid: session.id, version: 0, rights, deadlines, cause: 'context', because: 'bench' });
  };
  return { authority, store, live, admit };
}

const scores = (score, of = Array.from({ length: SESSIONS }, (_, i) => `user${i}`)) => ({
  facts: new Map(of.map((user) => [user, { 'risk.score': score }])),
  whole: of.length > 1,
});

/** A door's process and what it says; `settled` hears its answers. */
async function openDoor(settled) {
  const { createLink } = await built('wire/frames.js');
  const { fromDoor } = await built('wire/door.js');
  const entry = fileURLToPath(new URL('./lib/facts-door.mjs', import.meta.url));
  const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  onCleanup(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const counts = { messages: 0, bytes: 0 };
  const link = createLink(child.stdio[3], { incoming: fromDoor, onMessage: settled, onClose() {} });
  return {
    counts,
    pair: {
      number: 1,
      toDoor(message) {
        counts.messages += 1;
        counts.bytes += JSON.stringify(message).length;
        return link.send(message);
      },
    },
    sums: () =>
      new Promise((resolve) => {
        lines.once('line', (line) => resolve(JSON.parse(line)));
        link.send({ type: 'notice', text: 'sums' });
      }),
  };
}

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** What everyone hears, ROUNDS times: each takes some rights away or gives them back. */
async function everyone(keeper, door) {
  const times = [];
  const before = { keeper: cpuMs(), door: await door.sums(), ...door.counts };
  for (let round = 0; round < ROUNDS; round++) {
    const start = mono();
    const change = keeper.authority.tell('risk', scores(round % 2 === 0 ? 60 : 10));
    const effects = await keeper.live.settle(change);
    times.push(mono() - start);
    const followed = effects.filter((effect) => effect.outcome === 'changed').length;
    if (followed !== SESSIONS) throw new Error(`${followed} of ${SESSIONS} followed`);
    await sleep(100);
  }
  const after = { keeper: cpuMs(), door: await door.sums(), ...door.counts };
  return {
    times,
    passes: (after.door.passes - before.door.passes) / (SESSIONS * ROUNDS),
    messages: (after.messages - before.messages) / (SESSIONS * ROUNDS),
    bytes: (after.bytes - before.bytes) / (SESSIONS * ROUNDS),
    keeperMs: (after.keeper - before.keeper) / ROUNDS,
    doorMs: (after.door.cpuMs - before.door.cpuMs) / ROUNDS,
  };
}

async function singles(keeper) {
  const times = [];
  for (let i = 0; i < SINGLES; i++) {
    const start = mono();
    const change = keeper.authority.tell('risk', scores(61 + (i % 3), [`user${(i * 7) % SESSIONS}`]));
    const effects = await keeper.live.settle(change);
    times.push(mono() - start);
    if (effects.length !== 1) throw new Error(`${effects.length} of 1 followed`);
    await sleep(5);
  }
  return times;
}

const row = (label, values, aim = '') => [
  label,
  String(values.length),
  ...[0.5, 0.99, 1].map((q) => ms(quantile(values, q))),
  aim,
];

export default {
  name: 'facts',
  needs: [],
  async run({ dir }) {
    const keeper = await openKeeper(dir);
    const door = await openDoor((m) => m.type === 'settled' && keeper.live.settled(m.sid, m.version, m));
    for (let i = 0; i < SESSIONS; i++) await keeper.admit(i, door.pair);
    await door.sums();
    const all = await everyone(keeper, door);
    const one = await singles(keeper);
    keeper.authority.close();
    await keeper.store.close();
    return {
      title: `Facts: ${SESSIONS} sessions, ${RULES} rules (${OWN} of each session), ${GRANTS} grants`,
      columns: ['', 'samples', 'p50', 'p99', 'longest', 'aim'],
      rows: [
        row(`a feed moves ${SESSIONS} people at once: every door has answered`, all.times, 'one pass each, < 1 s'),
        row('a feed moves one of them: the door has answered', one, 'p99 < 20 ms'),
      ],
      notes: [
        `Of the ${SESSIONS} at once: ${all.passes.toFixed(2)} passes of a session a batch, ${all.messages.toFixed(2)} messages to it, ${Math.round(all.bytes)} bytes each; CPU a batch: keeper ${ms(all.keeperMs)}, door ${ms(all.doorMs)}.`,
        'Simulated: the sessions have no ssh, shell, guard or running program. Real: authority, registry, re-decision, the link between keeper and door with its checks, compiling, @session, and the look whether the person must be told.',
      ],
    };
  },
};
