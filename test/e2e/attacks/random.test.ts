import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_DENY, own } from '../../helpers/attack-table.js';
import { shellHomeOf, startBroker, type TestBroker } from '../../helpers/broker.js';
import { DENIED, WITNESS } from './generator/commands.js';
import { program } from './generator/program.js';

/**
 * Random programs of bash, sh, python, perl, awk and their like, each of which takes or empties a witness of its own by a
 * denied program. All are run without a gate first: what does nothing by itself proves nothing. Then in real sessions.
 * SALLYPORT_ATTACKS=10000 runs more of them, SALLYPORT_ATTACK_SEED=N the same ones again.
 */
const COUNT = Number(process.env.SALLYPORT_ATTACKS ?? 1_000);
const SEED = Number(process.env.SALLYPORT_ATTACK_SEED ?? randomInt(1_000_000));
const POLICY = `${NO_DENY}
p, no-loss, *, *, {${DENIED.join('|')}} **, true, deny, checked
`;
/** Programs that one session runs. */
const BATCH = 50;
const MINUTE = 60_000;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const numbers = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Makes each program's directory in `place`. */
function lay(place: string, which: readonly number[]): void {
  own(place);
  for (const number of which) {
    const dir = join(place, String(number));
    own(dir);
    writeFileSync(join(dir, WITNESS), 'keep\n');
    own(join(dir, WITNESS));
    writeFileSync(join(dir, 'program'), program(SEED, number), { mode: 0o644 });
  }
}

/** A script that runs each of them in a subshell of its own, and says at its end that it has come so far. */
const scriptFor = (place: string, which: readonly number[]) =>
  `cd ${place} && for i in ${which.join(' ')}; do cd $i; (. ./program) </dev/null >/dev/null 2>&1; cd ..; done; echo alive`;

/** Those whose witness is as it was. */
const kept = (place: string, which: readonly number[]) =>
  which.filter((number) => {
    try {
      return readFileSync(join(place, String(number), WITNESS), 'utf8') === 'keep\n';
    } catch {
      return false;
    }
  });

const show = (which: readonly number[]) =>
  which.slice(0, 3).map((n) => `SALLYPORT_ATTACK_SEED=${SEED}, number ${n}:\n${program(SEED, n)}`);

/** Each batch by `run`, a few at once; what they printed. */
async function inBatches(which: readonly number[], run: (batch: readonly number[]) => Promise<string>) {
  const batches = numbers(0, Math.ceil(which.length / BATCH)).map((i) => which.slice(i * BATCH, (i + 1) * BATCH));
  const printed: string[] = [];
  const worker = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) printed.push(await run(batch));
  };
  await Promise.all([worker(), worker(), worker()]);
  return printed;
}

async function inSessions(broker: TestBroker, uid: number | undefined, which: readonly number[]) {
  const place = join(shellHomeOf(broker.home, uid), 'random');
  lay(place, which);
  const printed = await inBatches(which, async (b) => (await broker.exec('bash', scriptFor('random', b))).stdout);
  expect(new Set(printed)).toEqual(new Set(['alive\n']));
  return kept(place, which);
}

/** In a pid namespace, so that nothing stays behind, and as the account the sessions have. */
async function withoutGate(place: string, batch: readonly number[]): Promise<string> {
  const account = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const bwrap = [
    '--unshare-pid',
    '--die-with-parent',
    '--dev-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--perms',
    '1777',
    '--tmpfs',
    '/dev/shm',
  ];
  const env = ['env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin', `HOME=${place}`];
  const args = [...bwrap, '--', ...account, ...env, 'bash', '-c', scriptFor(place, batch)];
  return (await promisify(execFile)('bwrap', args, { timeout: MINUTE, killSignal: 'SIGKILL' })).stdout;
}

describe(`${COUNT} random programs`, () => {
  const all = numbers(0, COUNT);
  let place = '';
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'sallyport-random-'));
    chmodSync(place, 0o755);
    own(place);
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  it('lose their witness where there is no gate', { timeout: 20 * MINUTE }, async () => {
    lay(place, all);
    await inBatches(all, (batch) => withoutGate(place, batch));
    const idle = kept(place, all);
    // A rare one trips over its own quoting.
    expect(idle.length, show(idle).join('\n')).toBeLessThanOrEqual(COUNT / 200);
  });

  it('lose it in a session where nothing is denied, too', { timeout: 5 * MINUTE }, async () => {
    const broker = await startBroker({ policy: NO_DENY });
    try {
      const sample = all.slice(0, 200);
      const idle = await inSessions(broker, undefined, sample);
      expect(idle.length, show(idle).join('\n')).toBeLessThanOrEqual(2);
    } finally {
      await broker.stop();
    }
  });

  const bin = fileURLToPath(new URL('../../../bin/sallyport', import.meta.url));
  const brokers = [
    { name: 'of the one who runs the tests', uid: undefined, as: undefined },
    ...(isRoot ? [{ name: 'of an ordinary user', uid: NOBODY, as: { uid: NOBODY, bin } }] : []),
  ];
  it.each(brokers)('lose nothing in sessions of a broker $name', { timeout: 30 * MINUTE }, async ({ uid, as }) => {
    const broker = await startBroker({ policy: POLICY, ...(as ? { as } : {}) });
    try {
      const mine = all.filter((n) => n % brokers.length === (as ? 1 : 0));
      const there = await inSessions(broker, uid, mine);
      const lost = mine.filter((n) => !there.includes(n));
      expect(show(lost)).toEqual([]);
    } finally {
      await broker.stop();
    }
  });
});
