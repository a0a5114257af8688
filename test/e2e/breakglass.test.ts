import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ran, startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import { until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

const POLICY = `
p, in,       *,        *, @login,                        true, allow, checked
p, session,  *,        *, @session,                      true, allow, checked
p, tools,    *,        *, {id|echo|cat|bash|ls|groups|dircolors}, true, allow, checked
p, words,    *,        *, {id|echo|cat|bash|ls|groups|dircolors} **, true, allow, checked
p, sre-id,   sre,      *, uptime,                        true, allow, checked
p, all,      admin,    *, @admin:*,                      true, allow, checked
p, not-now,  trainee,  *, @admin:breakglass,             true, deny,  checked
`;
const BREAKGLASS = { 'prod-down': { for: 'engineer', role: 'sre', length: '1h' } };

describe('breaking glass', () => {
  let broker: TestBroker;
  let ada: Person;
  let tim: Person;
  let adas: Terminal;
  let alices: Terminal;
  beforeAll(async () => {
    const isRoot = process.getuid?.() === 0;
    const accounts = isRoot ? { accounts: { nobody: { home: 'private', shell: '/bin/bash' } } } : {};
    const config = {
      breakglass: BREAKGLASS,
      hooks: [{ name: 'here', events: ['breakglass'], command: ['/bin/true'] }],
    };
    broker = await startBroker({ policy: POLICY, config: { ...config, ...accounts } });
    ada = await addPerson(broker, 'ada', 'nobody', ['admin']);
    tim = await addPerson(broker, 'tim', 'nobody', ['engineer', 'trainee']);
    adas = await ada.shell();
    alices = await broker.shell();
  });
  afterAll(async () => {
    adas?.kill();
    await broker?.stop();
  });

  let granted: Ran;

  it('opens what is for oneself, over ssh, and running sessions feel it', async () => {
    await alices.line('uptime', 'denied: uptime');
    expect((await broker.exec('sallyport breakglass')).stdout).toMatch(/^prod-down +sre +\* +1h +engineer$/m);
    granted = await broker.exec('sallyport breakglass prod-down --reason the database is gone');
    expect(granted).toMatchObject({ code: 0, stderr: '' });
    expect(granted.stdout).toContain('opened: you have role sre on * until ');
    await alices.line('uptime', 'load average');
  });

  it('is heard: on stderr of the broker, in the shells of who may revoke, in the audit log, by hooks', async () => {
    const said = 'BREAKGLASS: alice opened prod-down (role sre on *) for 1h: the database is gone';
    expect(broker.log()).toContain(`sallyport: ${said}`);
    await adas.waitFor(`sallyport: ${said}`);
    expect(alices.shown()).not.toContain('BREAKGLASS');
    const { stdout } = await broker.cli('audit', '--event', 'breakglass');
    expect(stdout).toMatch(/alice.* open prod-down: role sre on \* for 1h reason: the database is gone by alice/);
    await until('the hook was told', async () => {
      const { hooks } = await broker.json<{ hooks: { delivered: number }[] }>('status');
      return hooks[0]?.delivered === 1;
    });
  });

  it('is seen in whoami and grants, and ends like any grant', async () => {
    const who = await broker.exec('sallyport whoami');
    expect(who.stdout).toMatch(/^sre +\* .* breakglass prod-down +the database is gone$/m);
    const id = granted.stdout.split('\n')[0] ?? '';
    expect((await broker.exec('sallyport grants')).stdout).toContain(id);
    expect((await ada.exec(`sallyport revoke ${id}`)).code).toBe(0);
    await alices.line('uptime', 'denied: uptime');
  });

  it('is refused to whom a rule denies it, to others, and without a reason', async () => {
    expect(await tim.exec('sallyport breakglass prod-down --reason now')).toMatchObject({
      code: 4,
      stderr: 'sallyport: breakglass: refused for tim: not-now: denied by rule\n',
    });
    expect((await ada.exec('sallyport breakglass prod-down --reason now')).code).toBe(3);
    expect((await broker.exec('sallyport breakglass prod-down')).code).toBe(2);
    expect((await broker.cli('breakglass', 'prod-down', '--reason', 'now')).code).toBe(2);
  });
});
