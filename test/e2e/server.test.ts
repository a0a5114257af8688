import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ran, startBroker, type TestBroker } from '../helpers/broker.js';
import { notLater } from '../helpers/until.js';

const run = promisify(execFile);

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ config: { limits: { loginGrace: '2s', connectionsPerSource: 30 } } });
});
afterAll(() => broker.stop());

async function tool(program: string, ...args: string[]): Promise<Ran> {
  return await run(program, args, { timeout: 50_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      stdout: error.stdout,
      stderr: error.stderr,
    }),
  );
}

/** ssh with extra options and without a command's quoting. */
const ssh = (options: string[], ...command: string[]) => tool('ssh', ...broker.sshArgs(...options), ...command);

describe('who gets in', () => {
  it.each([
    ['ed25519', []],
    ['ecdsa', ['-b', '256']],
    ['ecdsa', ['-b', '521']],
    ['rsa', ['-b', '2048']],
  ])('a key of type %s %j', async (type, bits) => {
    const file = join(broker.dir, `more-${type}-${bits[1] ?? ''}`);
    await run('ssh-keygen', ['-q', '-t', type, ...bits, '-N', '', '-f', file]);
    expect((await broker.cli('user', 'key', 'add', 'alice', '--key', `${file}.pub`)).code).toBe(0);
    const args = broker.sshArgs('-T').map((a, i, all) => (all[i - 1] === '-i' ? file : a));
    expect((await tool('ssh', ...args, 'echo in')).stdout).toBe('in\n');
  });

  it('not a stranger, who cannot tell whether the user exists', async () => {
    const file = join(broker.dir, 'stranger');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    const asStranger = (user: string) =>
      tool(
        'ssh',
        ...broker.sshArgs('-T').map((a, i, all) => (all[i - 1] === '-i' ? file : a.replace(/^alice@/, `${user}@`))),
        'id',
      );
    const [known, unknown] = [await asStranger('alice'), await asStranger('nobody-here')];
    expect(known.code).toBe(255);
    expect(known.stderr.replace('alice', 'X')).toBe(unknown.stderr.replace('nobody-here', 'X'));
    const audit = await broker.cli('audit', '--event', 'login-refused');
    expect(audit.stdout).toContain('nobody-here');
    expect(audit.stdout).toContain('no key that was offered is known');
  });

  it('an unknown target is refused like an unknown user', async () => {
    const args = broker.sshArgs('-T').map((a) => a.replace(/^alice@/, 'alice+db9@'));
    expect((await tool('ssh', ...args, 'id')).code).toBe(255);
  });
});

describe('what a session is given', () => {
  it('the command runs, its output and status come back, and nothing else is printed', async () => {
    expect(await broker.exec('echo out; echo err >&2; exit 7')).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    expect((await broker.exec('kill -9 $$')).code).toBe(255);
    expect((await broker.exec('cat', 'through')).stdout).toBe('through');
  });

  it('variables on the allow-list alone', async () => {
    const sent = ['-o', 'SetEnv=LC_TEST=yes FOO=no LD_PRELOAD=/x PATH=/evil'];
    const { stdout } = await ssh(['-T', ...sent], 'echo "[$LC_TEST][$FOO][$LD_PRELOAD][$PATH]"');
    expect(stdout).toMatch(/^\[yes\]\[\]\[\]\[\/(?!evil)/);
  });

  it('a terminal of the client’s size, which follows the client’s window', async () => {
    const shell = await broker.shell();
    await shell.line('stty size', '30 120');
    shell.resize(91, 17);
    await shell.line('sleep 0.3; stty size', '17 91');
    await shell.line('echo $TERM $SSH_CONNECTION', /xterm-256color 127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+/);
    shell.type('exit 3\r');
    expect(await shell.exit()).toBe(3);
  });

  it('several sessions on one connection', async () => {
    const path = join(broker.dir, 'mux');
    const mux = ['-o', `ControlPath=${path}`];
    const master = ssh(['-T', '-M', ...mux], 'sleep 6; echo master');
    await expect.poll(async () => (await ssh(['-O', 'check', ...mux])).code, { timeout: 20_000 }).toBe(0);
    const answers = await Promise.all([1, 2, 3].map((n) => ssh(['-T', ...mux], `echo ${n}`)));
    expect(answers.map((a) => a.stdout)).toEqual(['1\n', '2\n', '3\n']);
    expect((await master).stdout).toBe('master\n');
  });
});

describe('what is not offered is refused cleanly and at once', () => {
  it('sftp and scp', async () => {
    writeFileSync(join(broker.dir, 'file'), 'x');
    const options = broker
      .sshArgs()
      .slice(0, -1)
      .map((a) => (a === '-p' ? '-P' : a));
    const started = performance.now();
    const copied = await tool('scp', ...options, join(broker.dir, 'file'), 'alice@127.0.0.1:/tmp/');
    expect(copied.code).not.toBe(0);
    const listed = await tool('sftp', ...options, 'alice@127.0.0.1');
    expect(listed.code).not.toBe(0);
    notLater(performance.now() - started, 8_000);
  });

  it('forwarding a port', async () => {
    const refused = await ssh(['-T', '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:22'], 'echo never');
    expect(refused.code).toBe(255);
    const through = await ssh(['-T', '-W', '127.0.0.1:22']);
    expect(through.code).toBe(255);
    expect(through.stderr).toMatch(/forwarding failed/);
  });

  it('an agent is not forwarded, and the session is none the worse for it', async () => {
    expect((await ssh(['-T', '-A'], 'echo "[$SSH_AUTH_SOCK]"')).stdout).toBe('[]\n');
  });

  it('passwords', async () => {
    const { stderr } = await ssh(['-T', '-o', 'PubkeyAuthentication=no', '-o', 'BatchMode=yes'], 'id');
    expect(stderr).toMatch(/Permission denied \(publickey\)/);
  });
});

describe('the listener is ours', () => {
  it('a client that says nothing is shown out after the login grace', async () => {
    const closed = await new Promise<number>((resolve) => {
      const started = performance.now();
      const socket = connect(broker.port, '127.0.0.1');
      socket.resume();
      socket.on('error', () => {});
      socket.on('close', () => resolve(performance.now() - started));
    });
    expect(closed).toBeGreaterThan(1_000);
    notLater(closed, 8_000);
  });

  it('one source has so many connections and no more, and others are let in when it leaves', async () => {
    const sockets = Array.from({ length: 40 }, () => connect(broker.port, '127.0.0.1'));
    const open = new Set(sockets);
    for (const socket of sockets) {
      socket.resume();
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
    }
    await expect.poll(() => open.size, { timeout: 20_000 }).toBeLessThanOrEqual(30);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await broker.exec('echo in')).stdout, { timeout: 20_000 }).toBe('in\n');
  });

  it('only safe algorithms are offered', async () => {
    for (const weak of [
      ['-o', 'KexAlgorithms=diffie-hellman-group14-sha256'],
      ['-o', 'Ciphers=aes128-cbc'],
      ['-o', 'HostKeyAlgorithms=rsa-sha2-256'],
    ]) {
      const { code, stderr } = await ssh(['-T', '-o', 'LogLevel=INFO', ...weak], 'id');
      expect([weak, code]).toEqual([weak, 255]);
      expect(stderr).toMatch(/no matching|Unable to negotiate/);
    }
  });

  it('serve prints the fingerprint that clients will be shown', async () => {
    const scanned = await tool('sh', '-c', `ssh-keyscan -p ${broker.port} 127.0.0.1 2>/dev/null | ssh-keygen -lf -`);
    const fingerprint = /SHA256:\S+/.exec(scanned.stdout)?.[0] ?? 'none';
    expect(broker.log()).toContain(`host key ${fingerprint}`);
  });
});
