import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { installPackage } from '../helpers/installed.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** What the command line would do if somebody had it do more than it does. */
const TAKEN_OVER = `
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
if (process.env.SALLYPORT_CONTROL_FDS !== undefined) {
  const tried = (what, work) => {
    try {
      process.stdout.write(what + ': ' + (work() ?? 'done') + '\\n');
    } catch (error) {
      process.stdout.write(what + ': ' + error.code + '\\n');
    }
  };
  for (const path of ['/usr/bin/id', '/bin/sh', process.execPath])
    tried(path, () => spawnSync(path, ['-c', 'true']).error?.code);
  tried('own file', () => writeFileSync('/tmp/mine', 'text'));
  tried('program', () => writeFileSync(process.argv[1], ''));
}
`;

describe.skipIf(!isRoot)('our own program in a session, taken over (needs root, to install and change it)', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    process.env.TMPDIR = '/var/lib';
    const bin = installPackage();
    const main = join(dirname(bin), '../dist/cli/main.js');
    writeFileSync(main, `${TAKEN_OVER}${readFileSync(main, 'utf8')}`);
    broker = await startBroker({ policy: OPEN_POLICY, as: { uid: NOBODY, bin } });
  });
  afterAll(() => broker?.stop());

  it('starts no program, whatever the rules allow, and writes no file', async () => {
    expect((await broker.exec('/usr/bin/id')).code).toBe(0);
    const { stdout } = await broker.exec('sallyport whoami');
    expect(stdout).toContain('/usr/bin/id: EACCES\n');
    expect(stdout).toContain('/bin/sh: EACCES\n');
    expect(stdout).toContain('/run/sallyport/node: EACCES\n');
    expect(stdout).toContain('own file: EFBIG\n');
    expect(stdout).toContain('program: EROFS\n');
    expect(stdout).toMatch(/^user +alice$/m);
    const { stdout: log } = await broker.cli('--json', 'audit', '--event', 'decision');
    expect(log).toContain('/usr/bin/id');
  });
});
