/** 300 logins by the real client, 20 at a time, each until the shell's prompt is there. */
import { once } from 'node:events';
import { startSsh } from './lib/openssh.mjs';
import { PROMPT } from './lib/shells.mjs';
import { mono, ms, pooled, quantile, ratio, seconds, sleep } from './lib/stats.mjs';

const LOGINS = 300;
const WIDTH = 20;
/** Contenders take turns, so that what else the machine does hits all alike. */
const ROUNDS = 3;

/** Resolves with ms to the prompt, or undefined if none came. */
async function login({ contender, options }, keyFile) {
  const start = mono();
  const ssh = startSsh(contender, { keyFile, options }, ['pipe', 'pipe', 'pipe']);
  ssh.stderr.resume();
  const exited = once(ssh, 'exit');
  const timer = setTimeout(() => ssh.kill('SIGKILL'), 60_000);
  let text = '';
  let took;
  ssh.stdout.on('data', (data) => {
    text += data.toString('latin1');
    if (took !== undefined || !PROMPT.test(text)) return;
    took = mono() - start;
    ssh.kill('SIGTERM');
  });
  await exited;
  clearTimeout(timer);
  return took;
}

async function oneRound(result, keyFile) {
  const start = mono();
  const times = await pooled(Array.from({ length: LOGINS / ROUNDS }), WIDTH, () => login(result.entry, keyFile));
  result.wall += mono() - start;
  result.times.push(...times.filter((t) => t !== undefined));
  await sleep(1_000);
}

/** sshd a second time without its post-quantum exchange, which ssh2 does not have. */
const entriesOf = (contenders) =>
  contenders.flatMap((contender) => [
    { name: contender.name, contender },
    ...(contender.name === 'sshd'
      ? [{ name: 'sshd, curve25519', contender, options: { KexAlgorithms: 'curve25519-sha256' } }]
      : []),
  ]);

export default {
  name: 'logins',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, keyFile }) {
    const results = entriesOf(contenders).map((entry) => ({ name: entry.name, entry, wall: 0, times: [] }));
    for (const { entry } of results) await login(entry, keyFile);
    for (let round = 0; round < ROUNDS; round++) for (const result of results) await oneRound(result, keyFile);
    const base = results[0].wall;
    return {
      title: `${LOGINS} logins to a prompt, ${WIDTH} at a time`,
      columns: ['', 'all of them', 'one, p50', 'one, p99', 'prompts', `÷ ${contenders[0].name}`, 'aim'],
      rows: results.map(({ name, wall, times }) => [
        name,
        seconds(wall),
        ms(quantile(times, 0.5)),
        ms(quantile(times, 0.99)),
        `${times.length} of ${LOGINS}`,
        ratio(wall, base),
        name === 'sallyport' ? '< 0.1× sshd' : '',
      ]),
      notes: [
        'The real client with its default algorithms: sntrup761x25519 with sshd, curve25519 with the others, which have no post-quantum exchange; the client’s own work is in every number.',
        'UsePAM no, StrictModes no, UseDNS no (default); the same account, an empty home.',
      ],
    };
  },
};
