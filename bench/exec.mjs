/** A loop in bash that starts /bin/true 2,000 times: free, in a gated session, and under what sudo offers. */
import { cpuSince, gateCpu } from './lib/gate-cpu.mjs';
import { openShell } from './lib/shells.mjs';
import { median, ratio, seconds, sum, us } from './lib/stats.mjs';
import { SUDO, SUDO_NOTE, sudoRunner } from './lib/sudo.mjs';

const STARTS = 2_000;
/** Taken in slices, all contenders in turn, so that what else the machine does hits all alike. */
const SLICES = 10;
const SLICE = STARTS / SLICES;
const LOOP = `i=0; while [ $i -lt ${SLICE} ]; do /bin/true; i=$((i+1)); done`;
/** The clock of the shell itself, so that neither login nor launch counts. Prints ms. */
const TIMED = `a=$EPOCHREALTIME; ${LOOP}; b=$EPOCHREALTIME; echo took=$(( (\${b/./} - \${a/./}) / 1000 )).`;

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
  const before = gateCpu(contender);
  return {
    name,
    run: () => timed(shell.run(TIMED)),
    /** ms the broker's own processes took for all of it. */
    gate: () => cpuSince(gateCpu(contender), before),
    close: () => shell.close(),
  };
}

function sudoContender(variant, dir, at) {
  const run = sudoRunner(variant, dir, at);
  return { name: variant.name, run: () => timed(run(TIMED)) };
}

async function measureAll(entries) {
  const runs = entries.map(() => []);
  for (let slice = 0; slice < SLICES; slice++)
    for (const [i, entry] of entries.entries()) runs[i].push(await entry.run());
  const shares = entries.flatMap((entry) => Object.entries(entry.gate?.() ?? {}));
  for (const entry of entries) await entry.close?.();
  return {
    shares,
    results: runs.map((list) => ({
      total: sum(list),
      typical: median(list) * SLICES,
      best: Math.min(...list) * SLICES,
    })),
  };
}

export default {
  name: 'exec',
  needs: ['sshd', 'bare', 'sallyport'],
  async run({ contenders, privateKey, dir }) {
    const entries = [];
    for (const contender of contenders) entries.push(await sessionContender(contender, { privateKey }));
    entries.push(...Object.values(SUDO).map((variant, at) => sudoContender(variant, dir, at)));
    const { results, shares } = await measureAll(entries);
    const [plain] = results;
    const sudo = results[entries.findIndex((entry) => entry.name.includes('trace'))];
    return {
      title: `${STARTS} fork+execs of /bin/true in a bash loop`,
      columns: [
        '',
        'all',
        'from the median slice',
        'from the best slice',
        '÷ plain',
        '÷ sudo intercept',
        'added to each',
        'aim',
      ],
      rows: entries.map((entry, i) => [
        entry.name,
        ...[results[i].total, results[i].typical, results[i].best].map(seconds),
        ratio(results[i].typical, plain.typical),
        ratio(results[i].typical, sudo.typical),
        i === 0 ? '' : us((results[i].typical - plain.typical) / STARTS),
        entry.name.startsWith('sallyport') ? '≤ 1.0× sudo intercept' : '',
      ]),
      notes: [
        `Measured by the shell's own clock in ${SLICES} slices of ${SLICE}, all in turn; the ratios are of the medians.`,
        SUDO_NOTE,
        'sallyport: every start is decided, checked again before the first instruction, and recorded.',
        `CPU time of the broker's own, for each exec: ${shares.map(([name, ms]) => `${name} ${us(ms / STARTS)}`).join(', ')}.`,
      ],
    };
  },
};
