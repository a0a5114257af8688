import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { flood, startDoor, type TestDoor, type TestDoorOptions } from './harness.js';
import { type KeyKind, OpenSsh } from './openssh.js';

const KINDS: KeyKind[] = ['ed25519', 'ecdsa-256', 'ecdsa-384', 'ecdsa-521', 'rsa-2048'];

let ssh: OpenSsh;
const keys = new Map<KeyKind, { file: string; blob: string }>();
let door: TestDoor;

beforeAll(() => {
  ssh = new OpenSsh();
  for (const kind of [...KINDS, 'rsa-1024' as const]) keys.set(kind, ssh.makeKey(kind));
});
afterEach(() => door.stop());
afterAll(() => ssh.stop());

const open = async (options: TestDoorOptions = {}) => {
  door = await startDoor({ keys: [...keys.values()].map((key) => key.blob), ...options });
};
const key = (kind: KeyKind = 'ed25519') => keys.get(kind)?.file ?? '';
const args = (...more: string[]) => [...ssh.common(door.port, key()), ...more];
const run = (...more: string[]) => ssh.run('ssh', args(...more));

describe('logging in', () => {
  test.each(KINDS)('a %s key made by ssh-keygen opens a session', async (kind) => {
    await open();
    const ran = await ssh.run('ssh', [...ssh.common(door.port, key(kind)), 'alice@127.0.0.1', 'status 0']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(door.log).toContain('session alice local exec');
  });

  test('both rsa-sha2 algorithms are accepted', async () => {
    await open();
    for (const algo of ['rsa-sha2-256', 'rsa-sha2-512']) {
      const options = [...ssh.common(door.port, key('rsa-2048')), '-o', `PubkeyAcceptedAlgorithms=${algo}`];
      expect(await ssh.run('ssh', [...options, 'alice@127.0.0.1', 'status 0'])).toMatchObject({ code: 0 });
      expect(door.log).toContain(`login alice ${algo} true`);
    }
  });

  test('a 1024-bit rsa key is refused even when it is the user’s', async () => {
    await open();
    const options = [...ssh.common(door.port, key('rsa-1024')), '-o', 'RequiredRSASize=1024'];
    const ran = await ssh.run('ssh', [...options, 'alice@127.0.0.1', 'status 0']);
    expect(ran.code).toBe(255);
    expect(ran.err).toContain('Permission denied (publickey)');
  });

  test('the target follows the first plus sign, and the whole name is what was signed', async () => {
    await open();
    expect((await run('-l', 'alice+db1', '127.0.0.1', 'status 0')).code).toBe(0);
    expect((await run('-l', 'alice+prod/eu', '127.0.0.1', 'status 0')).code).toBe(0);
    expect(door.log).toContain('session alice db1 exec');
    expect(door.log).toContain('session alice prod/eu exec');
  });

  test.each(['Alice', 'a'.repeat(33), 'alice+', 'alice+db+1', 'röt'])(
    '%s is refused like an unknown user',
    async (name) => {
      await open();
      const ran = await run('-l', name, '127.0.0.1', 'status 0');
      expect(ran.code).toBe(255);
      expect(ran.err).toContain('Permission denied (publickey)');
      expect(door.log.filter((line) => line.startsWith('login'))).toEqual([]);
    },
  );

  test('a client with several keys gets in with the fourth, and refused queries cost no try', async () => {
    door = await startDoor({ keys: [keys.get('ecdsa-521')?.blob ?? ''], limits: { authTries: 1 } });
    const identities = KINDS.filter((kind) => kind !== 'ecdsa-521').flatMap((kind) => ['-i', key(kind)]);
    const ran = await ssh.run('ssh', [
      ...ssh.common(door.port, key()),
      ...identities,
      '-i',
      key('ecdsa-521'),
      'alice@127.0.0.1',
      'status 0',
    ]);
    expect(ran.code).toBe(0);
    expect(door.log.filter((line) => line.startsWith('login'))).toHaveLength(1);
  });

  test('password and keyboard-interactive are not on offer', async () => {
    await open();
    const options = [
      '-v',
      '-o',
      'PubkeyAuthentication=no',
      '-o',
      'PreferredAuthentications=password,keyboard-interactive',
    ];
    const ran = await run(...options, 'alice@127.0.0.1', 'status 0');
    expect(ran.code).toBe(255);
    expect(ran.err).toContain('Authentications that can continue: publickey');
    expect(ran.err).toContain('remote software version sallyport');
  });
});

describe('sessions', () => {
  test('exit codes and signals reach the client', async () => {
    await open();
    expect((await run('alice@127.0.0.1', 'status 0')).code).toBe(0);
    expect((await run('alice@127.0.0.1', 'status 254')).code).toBe(254);
    expect((await run('alice@127.0.0.1', 'signal TERM')).code).toBe(255);
  });

  test('both streams arrive whole, each in order, before the status', async () => {
    await open();
    const ran = await run('alice@127.0.0.1', 'both');
    const words = (letter: string) => Array.from({ length: 100 }, (_, i) => `${letter}${i} `).join('');
    expect(ran).toMatchObject({ code: 3, err: words('e') });
    expect(ran.out.toString()).toBe(words('o'));
  });

  test('input goes through byte for byte, megabytes of it, and its end is seen', async () => {
    await open();
    const bytes = Buffer.from(Array.from({ length: 6_000_000 }, (_, i) => (i * 7919) & 255));
    const ran = await ssh.run('ssh', args('alice@127.0.0.1', 'cat'), bytes);
    expect(ran.code).toBe(0);
    expect(ran.out.equals(bytes)).toBe(true);
  });

  test('20 MB come out byte-exact and the status after them', async () => {
    await open();
    const ran = await run('alice@127.0.0.1', 'flood 20000000');
    expect(ran.code).toBe(0);
    expect(ran.out.length).toBe(20_000_000);
  });

  test('a pty, its size and term, and allowed variables alone reach the session', async () => {
    await open();
    const more = ['-tt', '-o', 'SendEnv=LANG LC_TIME EVIL'];
    const env = { TERM: 'xterm-256color', LANG: 'de_DE.UTF-8', LC_TIME: 'C', EVIL: 'x' };
    await ssh.run('ssh', args(...more, 'alice@127.0.0.1', 'status 0'), '', env);
    expect(door.requests[0]).toMatchObject({
      kind: 'exec',
      command: 'status 0',
      pty: { term: 'xterm-256color', cols: 80, rows: 24 },
      env: { LANG: 'de_DE.UTF-8', LC_TIME: 'C' },
    });
    expect(Object.keys(door.requests[0]?.env ?? {}).sort()).toEqual(['LANG', 'LC_TIME']);
  });

  test('several sessions share one ControlMaster connection', async () => {
    await open();
    const socket = join(ssh.dir, 'control');
    const master = ssh.start('ssh', args('-MNS', socket, 'alice@127.0.0.1'));
    while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
    const through = (command: string) => ssh.run('ssh', args('-S', socket, 'alice@127.0.0.1', command));
    const all = await Promise.all(['status 4', 'both', 'flood 3000000', 'status 5'].map(through));
    expect(all.map((ran) => ran.code)).toEqual([4, 3, 0, 5]);
    expect(all[2]?.out.length).toBe(3_000_000);
    expect(door.log.filter((line) => line.startsWith('login'))).toHaveLength(1);
    master.kill();
  });

  test('a command that is not UTF-8 is refused with a reason and 126', async () => {
    await open();
    const child = await ssh.run('sh', [
      '-c',
      'exec ssh "$@" "$(printf \'status \\377\')"',
      'sh',
      ...args('alice@127.0.0.1'),
    ]);
    expect(child.code).toBe(126);
    expect(child.err).toContain('not valid UTF-8');
    expect(door.requests).toEqual([]);
  });

  test('the server rekeys after its share of bytes and nothing is lost', async () => {
    await open({ limits: { rekeyBytes: 1_000_000 } });
    const ran = await run('-v', 'alice@127.0.0.1', 'flood 12000000');
    expect(ran.code).toBe(0);
    expect(ran.out.length).toBe(12_000_000);
    expect(ran.err.match(/rekey in after|rekey out after|SSH2_MSG_NEWKEYS received/g)?.length ?? 0).toBeGreaterThan(6);
  });

  test('the client may rekey while both ways are busy', async () => {
    await open();
    const bytes = Buffer.alloc(3_000_000, 'y');
    const ran = await ssh.run('ssh', args('-o', 'RekeyLimit=800K', 'alice@127.0.0.1', 'cat'), bytes);
    expect(ran.code).toBe(0);
    expect(ran.out.equals(bytes)).toBe(true);
  });
});

describe('what is not offered is refused at once, with a reason', () => {
  test('sftp, and scp, which rides on it', async () => {
    await open();
    const sftp = await run('-s', 'alice@127.0.0.1', 'sftp');
    expect(sftp).toMatchObject({ code: 126, err: 'sallyport: refused: sftp is not offered here\n' });
    const file = ssh.file('some', 'text');
    const scp = await ssh.run('scp', [...ssh.common(door.port, key()), file, 'alice@127.0.0.1:x']);
    expect(scp.code).not.toBe(0);
    expect(scp.err).toContain('sftp is not offered here');
    expect(door.requests).toEqual([]);
  });

  test('-R: the forward fails, the client says so', async () => {
    await open();
    const ran = await run('-N', '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:1', 'alice@127.0.0.1');
    expect(ran.code).toBe(255);
    expect(ran.err).toContain('remote port forwarding failed');
  });

  test('-W, and so -L and -J: the channel fails with our words', async () => {
    await open();
    const ran = await run('-v', '-W', '127.0.0.1:1', 'alice@127.0.0.1');
    expect(ran.code).toBe(255);
    expect(ran.err).toContain('administratively prohibited: sallyport: forwarding is not offered here');
  });

  test('-A and -X: the session works without', async () => {
    await open();
    const ran = await ssh.run('ssh', args('-A', '-X', 'alice@127.0.0.1', 'status 7'), '', { DISPLAY: ':9' });
    expect(ran.code).toBe(7);
  });
});

test('a session that ends itself says its last word, its status, and closes', async () => {
  door = await startDoor({
    keys: [keys.get('ed25519')?.blob ?? ''],
    hooks: {
      session(_conn, _login, _request, channel) {
        flood(channel, 1_000_000, () => {
          channel.writeErr(Buffer.from('sallyport: session closed: idle\r\n'));
          channel.exit({ code: 254 });
          channel.close();
        });
      },
    },
  });
  const ran = await run('alice@127.0.0.1');
  expect(ran).toMatchObject({ code: 254, err: 'sallyport: session closed: idle\r\n' });
  expect(ran.out.length).toBe(1_000_000);
});
