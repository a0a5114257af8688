/** `make -j2` of a small C project: free, under what sudo offers, and in a gated session. */
import { cpuSince, gateCpu } from './lib/gate-cpu.mjs';
import { FILES, writeProject } from './lib/project.mjs';
import { openShell } from './lib/shells.mjs';
import { median, ms, ratio } from './lib/stats.mjs';
import { SUDO, SUDO_NOTE, sudoRunner } from './lib/sudo.mjs';

const ROUNDS = 6;

/** The shell's own clocks: real time, and the CPU time of everything make started. */
const script = ({ src, out }) =>
  `o=$(mktemp -d ${out}/XXXXXX); TIMEFORMAT='took=%R cpu=%U+%S.'; time make -s -j2 -C ${src} O=$o && $o/program`;

function parse(text) {
  const [, real, user, system] = /took=([\d.]+) cpu=([\d.]+)\+([\d.]+)\./.exec(text) ?? [];
  if (real === undefined || !/^-?\d+\r?$/m.test(text))
    throw new Error(`the build did not end well: ${JSON.stringify(text.slice(-300))}`);
  return { real: Number(real) * 1000, programs: (Number(user) + Number(system)) * 1000 };
}

async function sessionEntry(contender, line, privateKey) {
  const shell = await openShell(contender, { privateKey, timeout: 120_000 });
  const name = contender.name === 'sallyport' ? 'sallyport, gated' : `plain, under ${contender.name}`;
  const run = async () => {
    const before = gateCpu(contender);
    const result = parse(await shell.run(line));
    return { ...result, gate: cpuSince(gateCpu(contender), before) };
  };
  return { name, run, close: () => shell.close() };
}

function sudoEntry(key, line, dir) {
  const run = sudoRunner(SUDO[key], dir, key);
  return { name: SUDO[key].name, run: async () => parse(await run(line)) };
}

const share = (runs) => {
  const total = (name) => median(runs.map((run) => run.gate[name]));
  const own = total('guard') + total('door') + total('keeper');
  return `${ms(own)} (guard ${ms(total('guard'))}, door ${ms(total('door'))}, keeper ${ms(total('keeper'))})`;
};

export default {
  name: 'build',
  needs: ['sshd', 'sallyport'],
  async run({ contenders, privateKey, dir }) {
    const line = script(writeProject());
    const entries = [];
    for (const contender of contenders) entries.push(await sessionEntry(contender, line, privateKey));
    for (const key of ['trace', 'log', 'neither']) entries.push(sudoEntry(key, line, dir));
    const runs = entries.map(() => []);
    for (const entry of entries) await entry.run();
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, entry] of entries.entries()) runs[i].push(await entry.run());
    for (const entry of entries) await entry.close?.();
    const real = runs.map((list) => median(list.map((run) => run.real)));
    return {
      title: `make -j2 of a C project of ${FILES + 1} files`,
      columns: ['', 'median', 'best', '÷ plain', 'CPU of the programs', "CPU of the broker's own", 'aim'],
      rows: entries.map((entry, i) => [
        entry.name,
        ms(real[i]),
        ms(Math.min(...runs[i].map((run) => run.real))),
        ratio(real[i], real[0]),
        ms(median(runs[i].map((run) => run.programs))),
        entry.name.startsWith('sallyport') ? share(runs[i]) : '',
        entry.name.startsWith('sallyport') ? '≤ 1.3× plain' : '',
      ]),
      notes: [
        `${ROUNDS} rounds, all in turn, after one that does not count; each file is a gcc, a cc1 and an as, the end a collect2 and an ld.`,
        SUDO_NOTE,
      ],
    };
  },
};
