/** New keys, signs of life, goodbyes, and noise. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_CLIENT_REKEYS } from '../../src/ssh/bounds.js';
import { message } from '../../src/ssh/bytes.js';
import { MSG } from '../../src/ssh/messages.js';
import { eventually, flood, startDoor, type TestDoor, type TestDoorOptions } from './harness.js';
import { RawClient, testKey } from './raw-client.js';

const key = testKey();
let door: TestDoor;
let client: RawClient;

const open = async (options: TestDoorOptions = {}) => {
  door = await startDoor({ keys: [key.blob.toString('base64')], ...options });
  client = await RawClient.connect(door.port);
  await client.login('alice', key);
};

afterEach(async () => {
  client.socket.destroy();
  await door.stop();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('new keys', () => {
  test('the server asks for them after its share of bytes', async () => {
    await open({ limits: { rekeyBytes: 500_000 } });
    await client.exec('flood 3000000', 0, 0xffff_ffff);
    await client.next(MSG.CHANNEL_CLOSE);
    expect(client.rekeys).toBeGreaterThan(1);
    expect(client.data().length).toBe(3_000_000);
  });

  test('and after its share of time', async () => {
    await open({ limits: { rekeyMs: 100 } });
    await client.until(() => client.rekeys > 3);
    await client.exec('status 0');
    await client.next(MSG.CHANNEL_CLOSE);
  });

  test('an exchange that stalls holds little back and is cut', async () => {
    let falses = 0;
    await open({
      limits: { rekeyMs: 500, kexMs: 1500 },
      hooks: {
        session: (_conn, _login, _request, channel) => {
          setTimeout(() => {
            flood(channel, 50_000_000, () => door.log.push('all taken'));
            falses = channel.buffered();
          }, 900);
        },
      },
    });
    client.answerRekey = false;
    await client.openSession(0, 0xffff_ffff);
    client.send(message(MSG.CHANNEL_REQUEST, 0, 'shell', false));
    await client.end();
    expect(falses).toBeGreaterThan(0);
    expect(falses).toBeLessThan(1_000_000);
    expect(door.log).not.toContain('all taken');
    await eventually(() => door.log).toContain('closed');
  });

  test('answers held back in an exchange are bounded', async () => {
    await open({ limits: { rekeyMs: 50, kexMs: 20_000 } });
    client.answerRekey = false;
    await pause(120);
    for (let i = 0; i < 2000; i += 1) client.send(message(MSG.GLOBAL_REQUEST, 'x', true));
    await client.end();
  });

  test('a client may ask a few times a minute, and no more', async () => {
    await open();
    for (let i = 1; i <= MAX_CLIENT_REKEYS; i += 1) {
      client.rekey();
      await client.until(() => client.rekeys === i + 1);
    }
    client.rekey();
    await client.end();
  });
});

describe('signs of life', () => {
  test('a client that answers stays, however idle', async () => {
    await open({ limits: { keepaliveMs: 100, keepaliveTries: 3 } });
    for (let i = 0; i < 5; i += 1) {
      await client.next(MSG.GLOBAL_REQUEST);
      client.send(message(MSG.REQUEST_FAILURE));
    }
    expect(client.closed).toBe(false);
  });

  test('one that does not is gone, and its sessions told', async () => {
    await open({ limits: { keepaliveMs: 30, keepaliveTries: 2 } });
    await client.exec('deaf');
    await client.end();
    await eventually(() => door.log.slice(-2)).toEqual(['channel closed', 'closed']);
  });
});

describe('the end', () => {
  test('a client that vanishes: channels first, then the connection, each once', async () => {
    await open();
    await client.exec('deaf');
    await client.openSession(1);
    client.socket.resetAndDestroy();
    await eventually(() => door.log.slice(-2)).toEqual(['channel closed', 'closed']);
    await pause(20);
    expect(door.log.filter((line) => line === 'closed')).toHaveLength(1);
    expect(door.door.connections()).toBe(0);
  });

  test('a client that ends its half is gone, though it is owed much and reads nothing', async () => {
    await open();
    await client.exec('flood 20000000', 0, 0xffff_ffff);
    client.socket.pause();
    await pause(100);
    client.socket.end();
    await eventually(() => door.door.connections()).toBe(0);
  });

  test('disconnect() says why, and cuts a client that does not read', async () => {
    await open();
    door.connections[0]?.disconnect('locked');
    const bye = await client.next(MSG.DISCONNECT);
    bye.uint32();
    expect(bye.name()).toBe('sallyport: locked');
    await client.end();
    await door.stop();
    await open();
    await client.exec('flood 9000000', 0, 0xffff_ffff);
    client.socket.pause();
    await pause(100);
    door.connections[0]?.disconnect('locked');
    await eventually(() => door.door.connections()).toBe(0);
  });

  test('close() ends all and takes no more', async () => {
    await open();
    door.door.close();
    await client.end();
    const late = connect(door.port, '127.0.0.1');
    late.on('error', () => {});
    late.resume();
    await once(late, 'close');
    expect(door.door.connections()).toBe(0);
  });

  test('a session that throws ends its own connection, and is reported', async () => {
    await open({
      hooks: {
        session: (_conn, _login, _request, channel) => {
          channel.onInput(() => {
            throw new Error('a fault of ours');
          });
        },
      },
    });
    const other = await RawClient.connect(door.port);
    await other.login('bob', key);
    await client.exec('x');
    client.send(message(MSG.CHANNEL_DATA, 0, 'x'));
    await client.end();
    expect(String(door.faults[0])).toContain('a fault of ours');
    await other.openSession();
    other.socket.destroy();
  });

  test('a session that throws at the end harms nothing else', async () => {
    await open({
      hooks: {
        session: (_conn, _login, _request, channel) => {
          channel.onClose(() => {
            throw new Error('a fault of ours');
          });
        },
      },
    });
    await client.exec('x');
    client.socket.resetAndDestroy();
    await eventually(() => door.log).toContain('closed');
    expect(String(door.faults[0])).toContain('a fault of ours');
    expect(door.door.connections()).toBe(0);
  });

  test('a socket that died on its way here is closed, once, without a fault', async () => {
    await open();
    const dead = connect(door.port, '127.0.0.1');
    await once(dead, 'connect');
    dead.destroy();
    const before = door.log.length;
    door.door.accept(dead, { id: 99, ip: '', port: 0 });
    await eventually(() => door.log.slice(before).filter((line) => line === 'closed').length).toBe(2);
  });
});
