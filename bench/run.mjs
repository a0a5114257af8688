/**
 * npm run bench [-- NAME…]: measures sallyport beside sshd and a bare ssh2 server, all in this one run on this machine,
 * and prints ratios. It judges nothing. --without CONTENDER leaves one out.
 */
import { cleanUp } from './lib/cleanup.mjs';
import { startContenders } from './lib/contenders.mjs';
import { describeMachine } from './lib/machine.mjs';
import { isBuilt, tree } from './lib/paths.mjs';
import { mono, seconds } from './lib/stats.mjs';
import { renderResult } from './lib/table.mjs';
import { makeWorkspace } from './lib/workspace.mjs';

const NAMES = [
  'echo',
  'throughput',
  'logins',
  'memory',
  'exec',
  'build',
  'decisions',
  'revocation',
  'deadline',
  'storm',
  'facts',
  'watch',
  'recheck',
  'lockall',
  'rights',
];

function choose(argv) {
  const without = [];
  const names = [];
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--without') without.push(argv[++i]);
    else names.push(argv[i]);
  }
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) refuse(`no such bench: ${unknown.join(', ')}; there are ${NAMES.join(', ')}`);
  return { names: names.length > 0 ? names : NAMES, without };
}

function refuse(reason) {
  process.stderr.write(`bench: ${reason}\n`);
  process.exit(2);
}

async function measure(name, without) {
  const { default: bench } = await import(`./${name}.mjs`);
  const started = mono();
  try {
    const workspace = makeWorkspace();
    const contenders = await startContenders(
      workspace,
      bench.needs.filter((need) => !without.includes(need)),
      bench.sallyport,
    );
    const result = await bench.run({ ...workspace, contenders });
    process.stdout.write(`\n${renderResult(result)}`);
  } catch (error) {
    process.stdout.write(`\n## ${name}\n\nnot measured: ${error.message}\n`);
    if (process.env.BENCH_DEBUG) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  } finally {
    await cleanUp();
    process.stderr.write(`bench: ${name} took ${seconds(mono() - started)}\n`);
  }
}

const { names, without } = choose(process.argv.slice(2));
if (process.getuid() !== 0) refuse('run it as root: sshd, sudo and account isolation need it');
if (!isBuilt()) refuse(`${tree} is not built: run \`npm run build\` first`);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void cleanUp().then(() => process.exit(130)));
process.stdout.write(`${describeMachine()}\n`);
for (const name of names) await measure(name, without);
process.exit();
