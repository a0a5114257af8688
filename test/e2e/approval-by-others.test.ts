import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import { until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

/** `hostid` needs a lead who is not mallory. */
const POLICY = `
p, all,     engineer, *, *,          true,                                     allow, checked
p, login,   *,        *, @login,     true,                                     allow, checked
p, session, *,        *, @session,   true,                                     allow, checked
p, lead,    lead,     *, @admin:{requests|approve|refuse}, true,               allow, checked
p, prod,    *,        *, hostid **,  "!(has(approval.by) && approval.by != 'mallory')", deny, checked
`;
const WAITING = /waiting for approval (\w{26}): Ctrl-C withdraws/;
const HOSTID = /[\r\n][0-9a-f]{8}\r/;
const SLOW = { timeoutMs: 20_000 };

describe('a held command', () => {
  let broker: TestBroker;
  let carol: Person;
  let mallory: Person;
  let shell: Terminal;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY, config: { approvals: { wait: '20s' } } });
    const account = process.getuid?.() === 0 ? 'nobody' : undefined;
    carol = await addPerson(broker, 'carol', account, ['lead']);
    mallory = await addPerson(broker, 'mallory', account, ['lead']);
    await broker.cli('grant', 'alice', '--role', 'lead', '--for', '1h', '--reason', 'a lead herself');
    shell = await broker.shell();
  });
  afterAll(() => broker?.stop());
  const hold = async (line: string) => {
    const from = shell.shown().length;
    await shell.line(line, 'Your reason, to ask for it (Enter: do not ask): ', 20_000);
    shell.type('INC-1\r');
    const shown = await shell.waitFor(WAITING, { from, ...SLOW });
    return WAITING.exec(shown.slice(from))?.[1] ?? WAITING.exec(shell.shown().slice(from))?.[1] ?? 'none';
  };

  const stateOf = async (id: string) =>
    (await broker.json<{ id: string; state: string }[]>('requests', '--all')).find((r) => r.id === id)?.state;

  it('is approved by another over ssh; nobody’s own, nor by whom the rule does not take', async () => {
    const id = await hold('hostid; echo rc-$?');
    expect((await carol.exec('sallyport requests')).stdout).toMatch(new RegExp(`${id} +command +alice.*hostid; echo`));
    expect((await broker.exec(`sallyport approve ${id}`)).stderr).toContain(
      'is your own: another person must approve it',
    );
    expect((await mallory.exec(`sallyport approve ${id}`)).stderr).toContain(
      'the rules do not take an approval by mallory',
    );
    const from = shell.shown().length;
    const approved = await carol.exec(`sallyport approve ${id}`);
    expect(approved.stdout).toBe(`approved ${id}: alice may run this once on local:\nhostid; echo rc-$?\n`);
    await shell.waitFor(HOSTID, { from, ...SLOW });
    await shell.waitFor(/[\r\n]rc-0/, { from, ...SLOW });
    expect((await mallory.exec(`sallyport approve ${id}`)).stderr).toMatch(
      /was approved by carol at .*: nothing to decide/,
    );
    const events = (await broker.cli('--json', 'audit', '--text', id)).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter((e) => e.event !== 'session-start');
    expect(events.map((e) => e.event)).toEqual(['request', 'approve']);
    expect(events[1]).toMatchObject({ by: 'carol', user: 'alice', rule: 'prod' });
  }, 60_000);

  it('is refused when the rules change so that an approval helps no more', async () => {
    const id = await hold('hostid');
    const from = shell.shown().length;
    const file = join(broker.home, 'policies/policy.csv');
    writeFileSync(file, `${POLICY}p, frozen, *, *, hostid **, true, deny, checked\n`);
    expect((await broker.cli('reload')).code).toBe(0);
    await shell.waitFor(/denied: hostid/, { from, ...SLOW });
    // The door and the keeper find it out each by itself.
    await until('it is over', async () => /refused|withdrawn/.test((await stateOf(id)) ?? ''));
    expect((await carol.exec(`sallyport approve ${id}`)).stderr).toMatch(
      /was (refused|withdrawn).*: nothing to decide/,
    );
    writeFileSync(file, POLICY);
    expect((await broker.cli('reload')).code).toBe(0);
  }, 60_000);

  it('that nobody answers in time is refused, and says so', async () => {
    const id = await hold('hostid');
    const from = shell.shown().length;
    await shell.waitFor(/nobody approved it: nobody answered in time/, { from, timeoutMs: 40_000 });
    await until('it has expired', async () => (await stateOf(id)) === 'expired');
    expect((await carol.exec(`sallyport approve ${id}`)).stderr).toMatch(/expired at .*: nothing to decide/);
  }, 90_000);

  it('cannot be approved once its keeper is gone: nothing of it is left', async () => {
    const id = await hold('hostid');
    broker.process.kill('SIGKILL');
    expect(await shell.exit()).toBe(255);
    await broker.restart();
    expect(await broker.json('requests', '--all')).toEqual([]);
    expect((await carol.exec(`sallyport approve ${id}`)).stderr).toContain(`no request ${id}`);
  }, 60_000);
});
