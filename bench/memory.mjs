/** What an idle session adds to the processes that serve it. Shells are left out; isolation is shown apart. */

import { argvOf, nameOf, pssOf } from './lib/processes.mjs';
import { openShell } from './lib/shells.mjs';
import { mb, pooled, ratio, sleep } from './lib/stats.mjs';

const SESSIONS = 100;
const SHELLS = new Set(['bash', 'sh']);
/** Programs that keep a session apart from the machine; they are small, but they are there. */
const ISOLATION = new Set(['bwrap', 'setpriv', 'setsid']);

/** KiB of PSS by what a process is for. */
function weigh(contender) {
  const found = { server: 0, isolation: 0, servers: 0, isolators: 0 };
  for (const pid of contender.processes()) {
    const name = nameOf(pid);
    if (name === undefined || isShell(pid, name)) continue;
    const isolates = ISOLATION.has(name);
    found[isolates ? 'isolation' : 'server'] += pssOf(pid);
    found[isolates ? 'isolators' : 'servers'] += 1;
  }
  return found;
}

const isShell = (pid, name) => SHELLS.has(name) && argvOf(pid)?.[0]?.replace(/^-/, '').endsWith('sh');

async function measure(contender, login) {
  // The first session loads code that every later one shares.
  const first = await openShell(contender, login);
  await first.close();
  await sleep(1_500);
  const before = weigh(contender);
  const shells = await pooled(Array.from({ length: SESSIONS }), 10, () => openShell(contender, login));
  await sleep(3_000);
  const after = weigh(contender);
  await Promise.all(shells.map((shell) => shell.close()));
  await sleep(1_000);
  return { before, after, each: (after.server - before.server) / SESSIONS, isolation: after.isolation / SESSIONS };
}

export default {
  name: 'memory',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, privateKey }) {
    const found = [];
    for (const contender of contenders) found.push(await measure(contender, { privateKey }));
    const base = found[0].each;
    return {
      title: `Memory of a session, shell excluded (${SESSIONS} idle sessions)`,
      columns: [
        ...['', 'processes at 0', `at ${SESSIONS}`, 'PSS at 0', `at ${SESSIONS}`, 'a session'],
        ...[`÷ ${contenders[0].name}`, 'isolation, a session', 'both', 'both ÷ sshd', 'aim'],
      ],
      rows: contenders.map((contender, i) => {
        const { before, after, each, isolation } = found[i];
        return [
          contender.name,
          before.servers,
          `${after.servers} + ${after.isolators}`,
          mb(before.server),
          mb(after.server),
          mb(each),
          ratio(each, base),
          mb(isolation),
          mb(each + isolation),
          ratio(each + isolation, base),
          contender.name === 'sallyport' ? '< 0.1× sshd' : '',
        ];
      }),
      notes: [
        'PSS of every process below the listener but shells: sshd its listener and two processes a connection, sallyport keeper, doors and guards.',
        'Isolation: bwrap (two processes a session: the one outside and the first inside the namespace). sshd and the bare server isolate nothing.',
        'PSS counts shared pages in parts; the heap of node is as its collector left it.',
      ],
    };
  },
};
