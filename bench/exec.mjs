/** A loop in bash that starts /bin/true 2,000 times: free, in a gated session, and under what sudo offers. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openShell } from './lib/shells.mjs';
import { median, ratio, seconds, sum } from './lib/stats.mjs';

const STARTS = 2_000;
/** Taken in slices, all contenders in turn, so that what else the machine does hits all alike. */
const SLICES = 10;
const SLICE = STARTS / SLICES;
const LOOP = `i=0; while [ $i -lt ${SLICE} ]; do /bin/true; i=$((i+1)); done`;
/** The clock of the shell itself, so that neither login nor launch counts. Prints ms. */
const TIMED = `a=$EPOCHREALTIME; ${LOOP}; b=$EPOCHREALTIME; echo took=$(( (\${b/./} - \${a/./}) / 1000 )).`;

/** Debian's sudoers and one line more, in a mount namespace: the machine's own file is never touched. */
const SUDO = [
  { name: 'sudo, intercept (trace)', lines: 'Defaults intercept, intercept_type=trace' },
  { name: 'sudo, intercept (dso)', lines: 'Defaults intercept, intercept_type=dso' },
  { name: 'sudo, log_subcmds', lines: 'Defaults log_subcmds' },
  { name: 'sudo, neither', lines: '' },
];

function sudoContender({ name, lines }, dir, at) {
  const sudoers = join(dir, `sudoers-${at}`);
  writeFileSync(sudoers, `${readFileSync('/etc/sudoers', 'utf8')}\n${lines}\n`, { mode: 0o440 });
  execFileSync('visudo', ['-c', '-q', '-f', sudoers]);
  chmodSync(sudoers, 0o440);
  const script = 'mount --bind "$1" /etc/sudoers && exec sudo -n -u nobody /bin/bash -c "$2"';
  return { name, run: () => timed(spawnText('unshare', ['-m', 'sh', '-c', script, 'sh', sudoers, TIMED])) };
}

function spawnText(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        text += data;
      });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}

async function timed(output) {
  const text = await output;
  const took = /took=(\d+)\./.exec(text)?.[1];
  if (took === undefined) throw new Error(`the loop did not end: ${JSON.stringify(text.slice(-300))}`);
  return Number(took);
}

async function sessionContender(contender, login) {
  const shell = await openShell(contender, { ...login, timeout: 120_000 });
  const name =
    { sshd: 'plain, under sshd', 'bare ssh2': 'plain, under bare ssh2' }[contender.name] ?? 'sallyport, gated';
  return { name, run: () => timed(shell.run(TIMED)), close: () => shell.close() };
}

async function measureAll(entries) {
  const runs = entries.map(() => []);
  for (let slice = 0; slice < SLICES; slice++)
    for (const [i, entry] of entries.entries()) runs[i].push(await entry.run());
  for (const entry of entries) await entry.close?.();
  return runs.map((list) => ({ total: sum(list), typical: median(list) * SLICES, best: Math.min(...list) * SLICES }));
}

export default {
  name: 'exec',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, privateKey, dir }) {
    const entries = [];
    for (const contender of contenders) entries.push(await sessionContender(contender, { privateKey }));
    entries.push(...SUDO.map((variant, at) => sudoContender(variant, dir, at)));
    const results = await measureAll(entries);
    const [plain] = results;
    const sudo = results[entries.findIndex((entry) => entry.name.includes('trace'))];
    return {
      title: `${STARTS} fork+execs of /bin/true in a bash loop`,
      columns: ['', 'all', 'from the median slice', 'from the best slice', '÷ plain', '÷ sudo intercept', 'aim'],
      rows: entries.map((entry, i) => [
        entry.name,
        ...[results[i].total, results[i].typical, results[i].best].map(seconds),
        ratio(results[i].typical, plain.typical),
        ratio(results[i].typical, sudo.typical),
        entry.name.startsWith('sallyport') ? '≤ 1.0× sudo intercept' : '',
      ]),
      notes: [
        `Measured by the shell's own clock in ${SLICES} slices of ${SLICE}, all in turn; the ratios are of the medians.`,
        "sudo: Debian's sudoers with one Defaults line more, as root to nobody; no syslog daemon runs, so that sudo's log lines cost it next to nothing.",
        'sallyport: every start is decided, checked again before the first instruction, and recorded.',
      ],
    };
  },
};
