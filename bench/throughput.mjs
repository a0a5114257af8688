/** 200 MB out of a pty in raw mode to the real client, whose output is a file in memory; every byte is compared. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onCleanup } from './lib/cleanup.mjs';
import { startSsh } from './lib/openssh.mjs';
import { PROMPT } from './lib/shells.mjs';
import { median, mono, ratio, seconds, until } from './lib/stats.mjs';

const BYTES = 200_000_000;
const ROUNDS = 3;
/** No two stretches of it are alike, so that a loss, a repeat or a swap shows. */
const SOURCE = `seq 1 30000000 | head -c ${BYTES}`;
const BEGIN = 'BEGIN-OF-BYTES:';
/** Split, so that the echo of the typed line does not hold it. */
const LINE = `stty raw -echo; printf BEGIN-%s OF-BYTES:; ${SOURCE}; exit\r`;

async function expected() {
  const hash = createHash('sha256');
  const child = spawn('sh', ['-c', SOURCE], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) hash.update(chunk);
  return hash.digest('hex');
}

async function once200(contender, keyFile, dir, wanted) {
  const file = join(dir, 'out');
  const fd = openSync(file, 'w');
  const ssh = startSsh(contender, { keyFile }, ['pipe', fd, 'ignore']);
  onCleanup(() => ssh.kill('SIGKILL'));
  const exited = once(ssh, 'exit');
  await until(() => (PROMPT.test(readFileSync(file, 'latin1')) ? true : undefined), `${contender.name}: prompt`);
  const start = mono();
  ssh.stdin.write(LINE);
  await exited;
  const took = mono() - start;
  closeSync(fd);
  return { took, exact: compare(readFileSync(file), wanted) };
}

function compare(all, wanted) {
  const at = all.indexOf(BEGIN);
  if (at < 0) return 'nothing came';
  const bytes = all.subarray(at + BEGIN.length, at + BEGIN.length + BYTES);
  if (bytes.length < BYTES) return `${BYTES - bytes.length} bytes short`;
  return createHash('sha256').update(bytes).digest('hex') === wanted ? 'exact' : 'altered';
}

export default {
  name: 'throughput',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, keyFile }) {
    const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const dir = mkdtempSync(join(memory, 'sallyport-bench-'));
    onCleanup(() => rmSync(dir, { recursive: true, force: true }));
    const wanted = await expected();
    const runs = contenders.map(() => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, contender] of contenders.entries()) runs[i].push(await once200(contender, keyFile, dir, wanted));
    const times = runs.map((list) => median(list.map((run) => run.took)));
    return {
      title: '200 MB through a pty',
      columns: ['', 'seconds, median', 'each run', 'bytes', `÷ ${contenders[0].name}`, 'aim'],
      rows: contenders.map((contender, i) => [
        contender.name,
        seconds(times[i]),
        runs[i].map((run) => seconds(run.took)).join(', '),
        [...new Set(runs[i].map((run) => run.exact))].join(', '),
        ratio(times[i], times[0]),
        contender.name === 'sallyport' ? '≤ 1.0× sshd, exact' : '',
      ]),
      notes: [
        `\`${SOURCE}\` after \`stty raw -echo\`, through the real client; from the typed line to the client's exit.`,
        `${ROUNDS} rounds, contenders in turn; the received bytes are compared by SHA-256.`,
      ],
    };
  },
};
