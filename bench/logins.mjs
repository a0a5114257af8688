/** 300 logins by the real client, 20 at a time, each until the shell's prompt is there. */
import { once } from 'node:events';
import { startSsh } from './lib/openssh.mjs';
import { PROMPT } from './lib/shells.mjs';
import { mono, ms, pooled, quantile, ratio, seconds } from './lib/stats.mjs';

const LOGINS = 300;
const WIDTH = 20;

/** Resolves with ms to the prompt, or undefined if none came. */
async function login(contender, keyFile) {
  const start = mono();
  const ssh = startSsh(contender, { keyFile }, ['pipe', 'pipe', 'pipe']);
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

export default {
  name: 'logins',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, keyFile }) {
    const results = [];
    for (const contender of contenders) {
      await login(contender, keyFile);
      const start = mono();
      const times = await pooled(Array.from({ length: LOGINS }), WIDTH, () => login(contender, keyFile));
      const wall = mono() - start;
      results.push({ contender, wall, times: times.filter((t) => t !== undefined) });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    const base = results[0].wall;
    return {
      title: `${LOGINS} logins to a prompt, ${WIDTH} at a time`,
      columns: ['', 'all of them', 'one, p50', 'one, p99', 'prompts', `÷ ${contenders[0].name}`, 'aim'],
      rows: results.map(({ contender, wall, times }) => [
        contender.name,
        seconds(wall),
        ms(quantile(times, 0.5)),
        ms(quantile(times, 0.99)),
        `${times.length} of ${LOGINS}`,
        ratio(wall, base),
        contender.name === 'sallyport' ? '< 0.1× sshd' : '',
      ]),
      notes: [
        'The real client, default algorithms (post-quantum exchange with sshd, curve25519 with the others); its own work is in all numbers alike.',
        'UsePAM no, StrictModes no, UseDNS no (default); the same account, an empty home.',
      ],
    };
  },
};
