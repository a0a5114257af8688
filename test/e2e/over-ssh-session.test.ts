import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Administrated, KINDS, openAdministrated } from '../helpers/administrated.js';
import type { TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import { processesOf, until } from '../helpers/processes.js';
import { openTerminal } from '../helpers/terminal.js';

const isRoot = process.getuid?.() === 0;

describe.each(KINDS)('a session of administration (%s)', (kind) => {
  let broker: TestBroker;
  let lead: Person;
  let auditor: Person;
  let liveOf: Administrated['liveOf'];
  beforeAll(async () => {
    ({ broker, lead, auditor, liveOf } = await openAdministrated(kind));
  });
  afterAll(() => broker?.stop());

  const following = (who: Person, ...words: string[]) => spawn('ssh', [...who.sshArgs('-T'), 'sallyport', ...words]);
  describe('its process', () => {
    const HOSTILE = {
      NODE_OPTIONS: '--require=/tmp/evil.js',
      LD_PRELOAD: '/tmp/evil.so',
      SALLYPORT_CONTROL_FDS: '0',
      HOME: '/tmp',
    };
    const PASSED = { LC_ALL: 'C.UTF-8', TZ: 'Europe/Berlin', EXTRA_FLAG: 'x', LC_TIME: '/tmp/evil' };

    it('has an environment of ours, runs as the account, is our program, and starts nothing', async () => {
      const sent = Object.entries({ ...HOSTILE, ...PASSED }).flatMap(([name, value]) => [
        '-o',
        `SetEnv=${name}=${value}`,
      ]);
      const names = sent.filter((word) => word !== '-o').map((word) => word.slice('SetEnv='.length));
      const child = spawn('ssh', [
        ...auditor.sshArgs('-T', '-o', `SetEnv=${names.join(' ')}`),
        'sallyport audit --follow',
      ]);
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const processes = processesOf((await liveOf('aud'))[0]?.id ?? '');
      const pid = processes
        .alive()
        .find((p) => readFileSync(`/proc/${p}/cmdline`, 'utf8').startsWith('/run/sallyport/node\0'));
      const cmdline = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      expect(cmdline.slice(-4)).toEqual(['/run/sallyport/app/dist/cli/main.js', 'audit', '--follow', '']);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(
        isRoot ? /^Uid:\t65534\t65534\t65534/m : new RegExp(`^Uid:\t${process.getuid?.()}\t`, 'm'),
      );
      expect(status).toMatch(/^CapEff:\t0+$/m);
      if (isRoot) {
        const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
        const known = [
          'HOME=/',
          'LANG=',
          'LC_ALL=C.UTF-8',
          'NODE_NO_WARNINGS=1',
          'PATH=',
          'PWD=',
          'SALLYPORT_CONTROL_FDS=7,8,9,10',
        ];
        expect(
          env.filter((e) => ![...known, 'SALLYPORT_SESSION=', 'TZ=Europe/Berlin'].some((k) => e.startsWith(k))),
        ).toEqual([]);
      }
      child.kill();
      await until('its session has ended', async () => (await liveOf('aud')).length === 0, 20_000);
      processes.close();
    });

    it('leaves no descriptor of its own in other sessions', async () => {
      const child = following(auditor, 'audit', '--follow');
      await new Promise((resolve) => child.stdout.once('data', resolve));
      child.stdout.resume();
      const { stdout } = await broker.exec('bash -c "echo /proc/$$/fd/*; ls -l /proc/$$/fd"');
      expect(stdout).toContain('/fd/0');
      expect(stdout).not.toContain('socket:');
      expect((await broker.exec('ls /run/sallyport')).code).not.toBe(0);
      child.kill();
      await until('its session has ended', async () => (await liveOf('aud')).length === 0, 20_000);
    });

    it('is not what runs in a session that starts it by itself', async () => {
      const bin = [process.execPath, join(import.meta.dirname, '../../bin/sallyport')];
      const ran = await broker.exec(`${bin.join(' ')} --home ${broker.home} status`);
      expect(ran.code).not.toBe(0);
      expect(ran.stdout).toBe('');
      // A checkout below /tmp is not seen from inside at all.
      if (kind === 'account')
        expect(ran.stderr).toMatch(/admin commands are not taken from inside a session|Cannot find module/);
    });
  });

  it.skipIf(kind !== 'account')('is for accounts that get no shell, too (needs root)', async () => {
    const games = await addPerson(broker, 'gam', 'games', ['auditor']);
    expect(await games.exec('sallyport recordings')).toMatchObject({ code: 0, stderr: '' });
    expect((await games.exec('id')).stderr).toMatch(/denied: @exec|no usable shell/);
    const shell = openTerminal('ssh', games.sshArgs('-tt'));
    expect(await shell.exit()).toBe(126);
    expect(shell.shown()).toContain('no usable shell');
  });

  describe('a stream', () => {
    it('flows until the client leaves, and nothing of it stays', async () => {
      await broker.exec('id');
      const child = following(auditor, 'audit', '--follow', '--event', 'login');
      let seen = '';
      child.stdout.on('data', (chunk) => {
        seen += chunk;
      });
      await until('what was is shown', () => seen.includes('alice'), 20_000);
      const before = seen.length;
      await broker.exec('id');
      await until('what happens is shown', () => seen.slice(before).includes('alice'), 20_000);
      const [session] = await liveOf('aud');
      const processes = processesOf(session?.id ?? '');
      expect(processes.alive().length).toBeGreaterThan(0);
      child.kill('SIGTERM');
      await until('its session has ended', async () => (await liveOf('aud')).length === 0, 20_000);
      await until('nothing of it runs', () => processes.alive().length === 0);
      processes.close();
    });

    it('ends at ^C in a terminal, with exit code 0', async () => {
      const terminal = openTerminal('ssh', [...auditor.sshArgs('-tt'), 'sallyport audit --follow']);
      await terminal.waitFor('login', { timeoutMs: 20_000 });
      terminal.type('\u0003');
      expect(await terminal.exit()).toBe(0);
    });

    it('ends with the right to it, at once, and says why', async () => {
      const granted = await broker.cli('grant', 'lea', '--role', 'auditor', '--for', '1h', '--reason', 'a look');
      const child = following(lead, 'audit', '--follow');
      const said = text(child.stderr);
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdout.resume();
      await broker.cli('revoke', granted.stdout.split('\n')[0] ?? '');
      expect(await ended).toBe(4);
      expect(await said).toBe('sallyport: audit: refused for lea: no rule allows it\n');
    });

    it('ends when a fact says so, at once', async () => {
      const child = following(auditor, 'recordings');
      child.stdout.resume();
      expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
      const stream = following(auditor, 'audit', '--follow');
      const said = text(stream.stderr);
      await new Promise((resolve) => stream.stdout.once('data', resolve));
      stream.stdout.resume();
      const ended = new Promise((resolve) => stream.once('close', resolve));
      await broker.cli('context', 'set', 'aud', 'risk.score=80');
      expect(await ended).toBe(4);
      expect(await said).toBe('sallyport: audit: refused for aud: risky: denied by rule\n');
      await broker.cli('context', 'set', 'aud', 'risk.score=');
    });

    it('ends with its session: locked', async () => {
      const child = following(auditor, 'audit', '--follow');
      const said = text(child.stderr);
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdout.resume();
      const lock = await broker.cli('lock', '--user', 'aud', '--reason', 'out');
      const code = await ended;
      await broker.cli('unlock', lock.stdout.split('\n')[0] ?? '');
      expect(code).toBe(254);
      // The program may get to say that its connection to the broker has ended.
      expect(await said).toMatch(/^(sallyport: this session has ended: locked\n)?sallyport: session closed: locked\n$/);
    });

    it('ends with its session: killed', async () => {
      const child = following(auditor, 'audit', '--follow');
      await new Promise((resolve) => child.stdout.once('data', resolve));
      child.stdout.resume();
      const ended = new Promise((resolve) => child.once('close', resolve));
      const [session] = await liveOf('aud');
      expect((await broker.cli('kill', session?.id ?? '', '--reason', 'enough')).code).toBe(0);
      expect(await ended).toBe(254);
    });
  });
});
