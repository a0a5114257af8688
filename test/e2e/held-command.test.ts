import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { enrol } from '../helpers/factor.js';
import { POLICY, QUESTION } from '../helpers/hostid.js';
import { openTerminal } from '../helpers/terminal.js';

const SLOW = { timeoutMs: 20_000 };

describe('a command of ssh', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
    await enrol(broker, 'alice');
  });
  afterAll(() => broker?.stop());

  it('without a terminal is refused with what would allow it, and how it is asked for', async () => {
    const { code, stderr } = await broker.exec('hostid');
    expect(code).toBe(126);
    expect(stderr).toMatch(/denied: hostid .*a fresh second factor would allow it: with a terminal \(ssh -t\)/);
    const inner = await broker.exec('c=hostid; $c');
    expect(inner.code).toBe(126);
    expect(inner.stderr).toMatch(/a fresh second factor would allow it: with a terminal \(ssh -t\)/);
  });

  it('with a terminal is asked for what its programs lack', async () => {
    const { code } = await enrol(broker, 'alice');
    const terminal = openTerminal('ssh', [...broker.sshArgs('-tt'), 'true; hostid']);
    await terminal.waitFor(QUESTION, SLOW);
    // Nobody has typed anything yet: it is the command that was typed.
    terminal.type(`${code()}\r`);
    await terminal.waitFor(/[0-9a-f]{8}\r\n/, SLOW);
    expect(await terminal.exit()).toBe(0);
  });
});

describe('what is held when its time is over', () => {
  let broker: TestBroker;
  afterAll(() => broker?.stop());

  it.each([
    ['idle', { idle: '4s', hard: '8h', warn: [] }],
    ['deadline', { hard: '6s', warn: [] }],
  ])('ends with its session: %s', async (cause, session) => {
    broker = await startBroker({ policy: POLICY, config: { session } });
    await enrol(broker, 'alice');
    const shell = await broker.shell();
    await shell.line('hostid', QUESTION, 20_000);
    expect(await shell.exit(30_000)).toBe(254);
    expect(shell.shown()).toContain(`session closed: ${cause}`);
    await broker.stop();
  });
});
