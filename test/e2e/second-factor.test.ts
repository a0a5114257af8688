import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT, startBroker, type TestBroker } from '../helpers/broker.js';
import { until } from '../helpers/processes.js';

/** A key lets nobody in here without a code; one command wants a fresh one besides. */
const POLICY = `
p, all,     engineer, *, *,         true,                              allow, checked
p, login,   engineer, *, @login,    mfa.age < duration('1h'),          allow, checked
p, session, engineer, *, @session,  true,                              allow, checked
p, exec,    engineer, *, @exec,     true,                              allow, checked
p, fresh,   *,        *, id **,     mfa.age > duration('20m'),         deny,  checked
p, never,   *,        *, uname **,  mfa.age < duration('20m'),         deny,  checked
`;

interface Enrolment {
  uri: string;
  recoveryCodes: string[];
}

describe('where @login needs a second factor', () => {
  let broker: TestBroker;
  let enrolment: Enrolment;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
  });
  afterAll(() => broker?.stop());

  /** Codes of this step and the next; a step whose code was used is over for good. */
  const code = (steps = 0) =>
    new TOTP({ secret: Secret.fromBase32(new URL(enrolment.uri).searchParams.get('secret') ?? '') }).generate({
      timestamp: Date.now() + steps * 30_000,
    });
  const refusals = async () =>
    (await broker.cli('--json', 'audit', '--event', 'login-refused')).stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).reason as string);
  const typed = async (text: string) => {
    const terminal = broker.terminal();
    await terminal.waitFor('Verification code: ', { timeoutMs: 20_000 });
    terminal.type(`${text}\r`);
    return terminal;
  };

  it('nobody gets in who has none, and the records say what is missing', async () => {
    const { code: status, stderr } = await broker.exec('true');
    expect(status).toBe(255);
    expect(stderr).toMatch(/Permission denied/);
    expect(await refusals()).toEqual([expect.stringContaining('the user has none')]);
  });

  it('an admin gives one, shown once as a QR code with recovery codes', async () => {
    const { stdout } = await broker.cli('user', 'mfa', 'enroll', 'alice');
    expect(stdout).toMatch(/[█▀▄]{20}/);
    expect(stdout.match(/^ {2}[a-z2-9]{4}(-[a-z2-9]{4}){3}$/gm)).toHaveLength(10);
    enrolment = await broker.json<Enrolment>('user', 'mfa', 'enroll', 'alice', '--reason', 'new phone');
    expect(await broker.json('user', 'show', 'alice')).toMatchObject({ mfa: { recoveryCodes: 10 } });
  });

  it('a key and a code open the door, and the session knows how fresh it is', async () => {
    const terminal = await typed(code());
    await terminal.waitFor(PROMPT, { timeoutMs: 20_000 });
    await terminal.line('id -u; echo rest-$?', /rest-0/);
    await terminal.line('uname', /denied: uname.*never/);
    terminal.type('exit\r');
    await terminal.exit();
    const { stdout } = await broker.cli('--json', 'audit', '--event', 'login');
    expect(stdout).toContain('"mfa":"totp"');
  });

  it('no code is good twice, and a wrong one is none; asked again, a good one is', async () => {
    const terminal = await typed(code());
    await terminal.waitFor(/Verification code: [\s\S]*Verification code: /, { timeoutMs: 20_000 });
    const from = terminal.shown().length;
    terminal.type('000 000\r');
    await terminal.waitFor('Verification code: ', { from, timeoutMs: 20_000 });
    terminal.type(`${code(1)}\r`);
    await terminal.waitFor(PROMPT, { timeoutMs: 20_000 });
    terminal.type('exit\r');
    await terminal.exit();
    expect(await refusals()).toEqual(expect.arrayContaining(['second factor: used', 'second factor: wrong']));
  });

  it('a recovery code does in its place, once, and what is typed is nowhere', async () => {
    const [recovery = ''] = enrolment.recoveryCodes;
    const terminal = await typed(recovery);
    await terminal.waitFor(PROMPT, { timeoutMs: 20_000 });
    expect(terminal.shown()).not.toContain(recovery);
    terminal.type('exit\r');
    await terminal.exit();
    expect(await broker.json('user', 'show', 'alice')).toMatchObject({ mfa: { recoveryCodes: 9 } });
    const again = await typed(recovery);
    await again.waitFor(/Verification code: [\s\S]*Verification code: /, { timeoutMs: 20_000 });
    again.kill();
    const audit = readFileSync(join(broker.home, 'state/audit.log'), 'utf8');
    const secret = new URL(enrolment.uri).searchParams.get('secret') ?? 'none';
    for (const word of [recovery, recovery.replaceAll('-', ''), secret]) {
      expect(audit).not.toContain(word);
      expect(broker.log()).not.toContain(word);
    }
  });

  it('survives a restart: a code used before it is used after it', async () => {
    const used = code(1);
    await broker.restart();
    const terminal = await typed(used);
    await terminal.waitFor(/Verification code: [\s\S]*Verification code: /, { timeoutMs: 20_000 });
    terminal.kill();
  });

  it('guesses are looked at five times, then not even a good code for a while', async () => {
    for (const guesses of [
      ['111111', '222222', '333333'],
      ['444444', '555555', '666666'],
    ]) {
      const terminal = broker.terminal();
      for (const [n, guess] of guesses.entries()) {
        await terminal.waitFor(new RegExp(`(Verification code: [\\s\\S]*){${n + 1}}`), { timeoutMs: 20_000 });
        terminal.type(`${guess}\r`);
      }
      expect(await terminal.exit()).toBe(255);
    }
    const [, , spare = ''] = enrolment.recoveryCodes;
    const terminal = await typed(spare);
    await terminal.waitFor(/Verification code: [\s\S]*Verification code: /, { timeoutMs: 20_000 });
    terminal.kill();
    await until('the records say so', async () =>
      (await refusals()).some((reason) => reason.includes('too many wrong codes')),
    );
  });

  it('taken away, it lets nobody in', async () => {
    expect((await broker.cli('user', 'mfa', 'remove', 'alice')).code).toBe(0);
    expect((await broker.cli('user', 'mfa', 'remove', 'alice')).code).toBe(3);
    expect((await broker.exec('true')).code).toBe(255);
  });
});
