/** What a client may do before it is somebody. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { message } from '../../src/ssh/bytes.js';
import { MSG } from '../../src/ssh/messages.js';
import { eventually, startDoor, type TestDoor, type TestDoorOptions } from './harness.js';
import { RawClient, type TestKey, testKey } from './raw-client.js';

const key = testKey();
const stranger = testKey();
let door: TestDoor;

const open = async (options: TestDoorOptions = {}) => {
  await door?.stop();
  door = await startDoor({ keys: [key.blob.toString('base64')], ...options });
};
const connected = async () => {
  const client = await RawClient.connect(door.port);
  await client.userAuthService();
  return client;
};
const plain = async (...pieces: (string | Buffer)[]) => {
  const socket = connect(door.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return socket;
};
const attempt = (user: string, method: string, ...fields: (string | boolean | Buffer)[]) =>
  message(MSG.USERAUTH_REQUEST, user, 'ssh-connection', method, ...fields);

beforeEach(() => open());
afterEach(async () => {
  expect(door.faults).toEqual([]);
  await door.stop();
});

describe('identity', () => {
  test('comes from a signature only: a known key that is merely offered opens nothing', async () => {
    const client = await connected();
    client.probe('alice', key);
    await client.next(MSG.USERAUTH_PK_OK);
    client.send(message(MSG.CHANNEL_OPEN, 'session', 0, 1000, 1000));
    await client.next(MSG.DISCONNECT);
    expect(door.log).not.toContain('login alice ssh-ed25519 true');
  });

  test('a signature for another user, session or key is refused', async () => {
    const client = await connected();
    client.send(client.signedRequest('alice', key, 'bob'));
    await client.next(MSG.USERAUTH_FAILURE);
    const other = await connected();
    const replay = client.signedRequest('bob', key);
    other.send(replay);
    await other.next(MSG.USERAUTH_FAILURE);
    const mixed: TestKey = { ...stranger, blob: key.blob };
    other.send(other.signedRequest('bob', mixed));
    await other.next(MSG.USERAUTH_FAILURE);
    expect(door.log.filter((line) => line.startsWith('session'))).toEqual([]);
    client.socket.destroy();
    other.socket.destroy();
  });

  test('a key whose own type is not the algorithm’s never reaches the broker', async () => {
    await open({ limits: { authTries: 20 } });
    const client = await connected();
    for (const algo of ['rsa-sha2-256', 'ssh-rsa', 'ssh-dss', 'ecdsa-sha2-nistp256', '__proto__', '']) {
      client.send(client.signedRequest('alice', { ...key, algo }));
      await client.next(MSG.USERAUTH_FAILURE);
    }
    expect(door.log.filter((line) => line.startsWith('login'))).toEqual([]);
    client.socket.destroy();
  });

  test('the user name cannot change on a connection', async () => {
    const client = await connected();
    client.send(attempt('alice', 'none'));
    await client.next(MSG.USERAUTH_FAILURE);
    client.send(client.signedRequest('bob', key));
    await client.next(MSG.DISCONNECT);
  });
});

describe('a refusal tells nothing', () => {
  const timed = async (client: RawClient, send: () => void) => {
    const start = performance.now();
    send();
    const reply = await client.next(MSG.USERAUTH_FAILURE);
    expect([reply.name(), reply.bool()]).toEqual(['publickey', false]);
    return performance.now() - start;
  };

  test('the same answer after the same delay, however long the broker took', async () => {
    const slow = new Promise<void>((resolve) => setTimeout(resolve, 40));
    await open({
      hooks: {
        login: async (_conn, name) => {
          if (name.user === 'alice') await slow;
          return undefined;
        },
      },
    });
    for (const user of ['alice', 'nosuchuser', 'NOT A NAME']) {
      const client = await connected();
      const took = await timed(client, () => client.send(client.signedRequest(user, stranger)));
      expect(took).toBeGreaterThan(99.9);
      expect(took).toBeLessThan(400);
      client.socket.destroy();
    }
  });

  test('queries answered no are quick and equal, whatever the name, key and lookup', async () => {
    await open({
      hooks: {
        probe: async (_conn, name) => {
          if (name.user === 'slow') await new Promise((resolve) => setTimeout(resolve, 5));
          if (name.user === 'throws') throw new Error('lookup failed');
          return false;
        },
      },
    });
    for (const user of ['alice', 'slow', 'throws', 'NOT A NAME']) {
      const client = await connected();
      const took = await timed(client, () => client.probe(user, stranger));
      expect(took).toBeGreaterThan(9.9);
      expect(took).toBeLessThan(300);
      client.socket.destroy();
    }
  });

  test('a hook that throws has refused', async () => {
    await open({
      hooks: {
        login: () => {
          throw new Error('the keeper is gone');
        },
      },
    });
    const client = await connected();
    client.send(client.signedRequest('alice', key));
    await client.next(MSG.USERAUTH_FAILURE);
    client.socket.destroy();
  });

  test('none, password, keyboard-interactive and hostbased are refused at once', async () => {
    const client = await connected();
    for (const [method, ...fields] of [
      ['none'],
      ['password', false, 'x'],
      ['keyboard-interactive', '', ''],
      ['odd'],
    ] as const) {
      expect(await timed(client, () => client.send(attempt('alice', method, ...fields)))).toBeLessThan(500);
    }
    client.socket.destroy();
  });
});

describe('limits before login', () => {
  test('silence is cut at the grace time, before a banner and after it', async () => {
    await open({ limits: { loginGraceMs: 200 } });
    const start = performance.now();
    const silent = await plain();
    const named = await plain('SSH-2.0-x\r\n');
    await Promise.all([once(silent, 'close'), once(named, 'close')]);
    expect(performance.now() - start).toBeLessThan(4000);
    await eventually(() => door.door.connections()).toBe(0);
  });

  test('the grace time also cuts a login that hangs in the broker, whose late yes is nothing', async () => {
    let say: (login: { user: string; target: string }) => void = () => {};
    await open({
      limits: { loginGraceMs: 1000 },
      hooks: {
        login: () =>
          new Promise((resolve) => {
            say = resolve;
          }),
      },
    });
    const client = await connected();
    client.send(client.signedRequest('alice', key));
    await client.end();
    say({ user: 'alice', target: 'local' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(door.connections).toEqual([]);
  });

  test('a client that is in is not cut by it', async () => {
    await open({ limits: { loginGraceMs: 1000 } });
    const client = await RawClient.connect(door.port);
    await client.login('alice', key);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    await client.exec('status 0');
    client.socket.destroy();
  });

  test('refused attempts are counted, queries apart', async () => {
    await open({ limits: { authTries: 2, authProbes: 3 } });
    const client = await connected();
    for (let i = 0; i < 3; i += 1) {
      client.probe('alice', stranger);
      await client.next(MSG.USERAUTH_FAILURE);
    }
    client.send(client.signedRequest('alice', stranger));
    await client.next(MSG.USERAUTH_FAILURE);
    client.send(client.signedRequest('alice', stranger));
    await client.next(MSG.DISCONNECT);
    await client.end();
    const guesser = await connected();
    for (let i = 0; i < 4; i += 1) guesser.probe('alice', stranger);
    await guesser.next(MSG.DISCONNECT);
  });

  test('attempts sent without waiting are decided in order, and only so many', async () => {
    const client = await connected();
    client.probe('alice', stranger);
    client.send(client.signedRequest('alice', key));
    await client.next(MSG.USERAUTH_SUCCESS);
    client.socket.destroy();
    const flooder = await connected();
    for (let i = 0; i < 30; i += 1) flooder.probe('alice', stranger);
    await flooder.next(MSG.DISCONNECT);
  });

  test('bytes before login are bounded', async () => {
    await open({ limits: { maxUnauthBytes: 100_000 } });
    const client = await connected();
    for (let i = 0; i < 20; i += 1) client.send(message(MSG.IGNORE, Buffer.alloc(10_000)));
    await client.end();
  });

  test('SUCCESS, FAILURE and other server’s messages from a client while a decision is pending change nothing', async () => {
    let decide: (login: { user: string; target: string }) => void = () => {};
    await open({
      hooks: {
        login: () =>
          new Promise((resolve) => {
            decide = resolve;
          }),
      },
    });
    const client = await connected();
    client.send(client.signedRequest('alice', key));
    client.send(message(MSG.USERAUTH_SUCCESS));
    client.send(message(MSG.USERAUTH_FAILURE, 'publickey', false));
    client.send(message(MSG.USERAUTH_PK_OK, 'ssh-ed25519', key.blob));
    client.send(message(61, 0));
    for (let i = 0; i < 4; i += 1) await client.next(MSG.UNIMPLEMENTED);
    decide({ user: 'alice', target: 'local' });
    await client.next(MSG.USERAUTH_SUCCESS);
    await client.exec('status 0');
    client.socket.destroy();
  });

  test('the connection protocol is closed until then', async () => {
    for (const type of [MSG.GLOBAL_REQUEST, MSG.CHANNEL_OPEN, MSG.CHANNEL_DATA]) {
      const client = await connected();
      client.send(message(type, 'session', 0, 0, 0));
      await client.next(MSG.DISCONNECT);
    }
  });

  test('no login without asking for the service, and no other service', async () => {
    const client = await RawClient.connect(door.port);
    client.send(client.signedRequest('alice', key));
    await client.next(MSG.DISCONNECT);
    const other = await RawClient.connect(door.port);
    other.send(message(MSG.SERVICE_REQUEST, 'ssh-connection'));
    await other.next(MSG.DISCONNECT);
  });

  test('no new keys before login', async () => {
    const client = await connected();
    client.rekey();
    await client.end();
  });

  test.each([
    ['a line without end', 'S'.repeat(300)],
    ['a line too long', `SSH-2.0-${'x'.repeat(300)}\r\n`],
    ['http', 'GET / HTTP/1.1\r\n\r\n'],
    ['a version of old', 'SSH-1.5-x\r\n'],
    ['bytes', Buffer.alloc(300, 0xff)],
    [
      'a key exchange message out of turn',
      Buffer.concat([Buffer.from('SSH-2.0-x\r\n\0\0\0\u000c\u000a\u001e'), Buffer.alloc(11)]),
    ],
    ['a packet of absurd length', Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(64, 0xff)])],
  ])('%s in place of a greeting is cut at once', async (_what, bytes) => {
    const socket = await plain(bytes);
    if (!socket.closed) await once(socket, 'close');
    await eventually(() => door.door.connections()).toBe(0);
    expect(door.log).toEqual(['closed']);
  });
});

describe('algorithms', () => {
  const way = (cipher: string[], mac: string[], compress: string[]) => ({ cipher, mac, compress, lang: [] });
  const offer = (part: { kex?: string[]; cipher?: string[]; mac?: string[]; compress?: string[]; host?: string[] }) => {
    const both = way(
      part.cipher ?? ['aes256-ctr'],
      part.mac ?? ['hmac-sha2-256-etm@openssh.com'],
      part.compress ?? ['none'],
    );
    return { kex: part.kex ?? ['curve25519-sha256'], serverHostKey: part.host ?? ['ssh-ed25519'], cs: both, sc: both };
  };

  test.each([
    ['finite-field key exchange', { kex: ['diffie-hellman-group14-sha256', 'diffie-hellman-group-exchange-sha256'] }],
    ['NIST curves', { kex: ['ecdh-sha2-nistp256', 'ecdh-sha2-nistp521'] }],
    ['compression', { compress: ['zlib', 'zlib@openssh.com'] }],
    ['SHA-1 and encrypt-and-mac', { mac: ['hmac-sha1', 'hmac-sha1-etm@openssh.com', 'hmac-sha2-256'] }],
    ['CBC and small keys', { cipher: ['aes128-cbc', 'aes256-cbc', 'aes128-ctr', '3des-cbc'] }],
    ['rsa host keys', { host: ['rsa-sha2-256', 'ssh-rsa'] }],
  ])('%s find no partner', async (_what, part) => {
    await expect(RawClient.connect(door.port, offer(part))).rejects.toThrow('no keys');
    await eventually(() => door.door.connections()).toBe(0);
  });

  test.each(['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr'])(
    '%s works',
    async (cipher) => {
      const client = await RawClient.connect(door.port, offer({ cipher: [cipher] }));
      await client.login('alice', key);
      await client.exec('both');
      await client.next(MSG.CHANNEL_CLOSE);
      client.socket.destroy();
    },
  );
});
