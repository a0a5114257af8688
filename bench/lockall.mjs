/** One lock on everyone, with five hundred sessions live: when their processes are gone, and when their clients know. */

import { crew, usersOf } from './lib/crew.mjs';
import { adminOf } from './lib/crowd.mjs';
import { startDeathWatch } from './lib/deaths.mjs';
import { argvOf, byNamespace, namespaceOf, treeOf } from './lib/processes.mjs';
import { mono, ms, quantile, sleep, until } from './lib/stats.mjs';

const SESSIONS = Number(process.env.LOCKALL_SESSIONS ?? 500);
/** Something that outlives a hangup. */
const BACKGROUND = "(trap '' HUP TERM INT; sleep 100000) & trap '' HUP TERM\r";

const CHANNELS = 10;
const { options, open } = crew({ users: new Map(usersOf('u', SESSIONS / CHANNELS, CHANNELS)), rules: 1_000 });

/** The processes of each session's namespace, and of the isolating program outside it. */
function processesOf(contender) {
  const own = namespaceOf(process.pid);
  const inside = new Set(treeOf(contender.pid).filter((pid) => argvOf(pid)?.[0] !== undefined));
  return [...byNamespace()].filter(([ns]) => ns !== own).map(([, pids]) => pids.filter((pid) => inside.has(pid)));
}

/** Resolves when every session has its background process. */
async function settled(contender) {
  return await until(
    () => {
      const found = processesOf(contender).filter((pids) => pids.length >= 3);
      return found.length === SESSIONS ? found : undefined;
    },
    `${SESSIONS} sessions with their processes`,
    { every: 500 },
  );
}

const row = (label, values, aim = '') => [
  label,
  String(values.length),
  ms(Math.min(...values)),
  ...[0.5, 0.99, 1].map((q) => ms(quantile(values, q))),
  aim,
];

export default {
  name: 'lockall',
  needs: ['sallyport'],
  sallyport: options,
  async run({ contenders: [contender] }) {
    if (!contender) throw new Error('this is about sallyport alone');
    const admin = await adminOf(contender);
    const sessions = await open(contender);
    for (const { channel } of sessions) channel.write(BACKGROUND);
    const groups = await settled(contender);
    const watch = startDeathWatch();
    await watch.watch(groups.flat());
    const doors = (await admin('status', {})).doors;
    await sleep(1_000);
    const start = mono();
    const reply = await admin('lock', { kind: 'everyone', reason: 'bench' });
    const answered = mono() - start;
    const deaths = [];
    for (const pids of groups) deaths.push((await watch.lastDeath(pids)) - start);
    await until(() => (sessions.every(({ closedAt }) => closedAt !== undefined) ? true : undefined), 'clients closed');
    const ended = reply.effects.filter(({ outcome }) => outcome === 'ended').length;
    if (ended !== SESSIONS) throw new Error(`${ended} of ${SESSIONS} named as ended`);
    const told = sessions.filter(({ text, status }) => /session closed: locked/.test(text) && status === 254).length;
    const after = (await admin('status', {})).doors;
    const restarts = (list) => list.reduce((sum, door) => sum + door.restarts, 0);
    return {
      title: `A lock on everyone, ${SESSIONS} sessions live`,
      columns: ['', 'samples', 'first', 'p50', 'p99', 'last', 'aim'],
      rows: [
        row('every process of a session dead', deaths, 'all < 1 s'),
        row(
          'its client has heard the end',
          sessions.map(({ closedAt }) => closedAt - start),
        ),
        row('reply to the admin, each session named', [answered]),
      ],
      notes: [
        'From the moment the request is sent on the control socket. Dead: every process of the pid namespace is gone, a background one that ignores HUP and TERM included, as pidfds tell from outside.',
        `${told} of ${SESSIONS} clients read \`session closed: locked\` and got status 254; doors that had to be replaced: ${restarts(after) - restarts(doors)}.`,
        `Real throughout: shells (dash) on ptys, over ssh, ${CHANNELS} on a connection; the clients share the two cores with the broker.`,
      ],
    };
  },
};
