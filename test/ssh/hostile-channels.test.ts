/** Clients that speak the channel protocol as no honest one does. Each test names the guard it keeps. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CHANNEL_HIGH_WATER, CHANNEL_WINDOW, SOCKET_HARD_LIMIT, SOCKET_HIGH_WATER } from '../../src/ssh/bounds.js';
import { message } from '../../src/ssh/bytes.js';
import type { SessionChannel } from '../../src/ssh/index.js';
import { MSG } from '../../src/ssh/messages.js';
import { flood, startDoor, type TestDoor, type TestDoorOptions } from './harness.js';
import { RawClient, testKey } from './raw-client.js';

const HUGE = 0xffff_ffff;
const key = testKey();
let door: TestDoor;
let client: RawClient;

const open = async (options: TestDoorOptions = {}) => {
  await door?.stop();
  door = await startDoor({ keys: [key.blob.toString('base64')], ...options });
  client = await RawClient.connect(door.port);
  await client.login('alice', key);
};

beforeEach(() => open());
afterEach(async () => {
  client.socket.destroy();
  expect(door.faults).toEqual([]);
  await door.stop();
});

const stillServes = async () => {
  const other = await RawClient.connect(door.port);
  await other.login('bob', key);
  await other.exec('status 5');
  await other.next(MSG.CHANNEL_CLOSE);
  other.socket.destroy();
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('flow from the broker', () => {
  test('a maximum packet size of 0 is refused and loops nowhere', async () => {
    client.send(message(MSG.CHANNEL_OPEN, 'session', 0, HUGE, 0));
    await client.next(MSG.CHANNEL_OPEN_FAILURE);
    await stillServes();
  });

  test('packets are no larger than the client asked, and no more than its window', async () => {
    await client.exec('flood 100000', 0, 10_000, 256);
    await client.until(() => client.data().length === 10_000);
    await pause(50);
    expect(client.data().length).toBe(10_000);
    const sizes = client.received.filter((m) => m.type === MSG.CHANNEL_DATA).map((m) => m.payload.length - 9);
    expect(Math.max(...sizes)).toBe(256);
    client.send(message(MSG.CHANNEL_WINDOW_ADJUST, 0, 90_000));
    await client.until(() => client.data().length === 100_000);
    await client.next(MSG.CHANNEL_CLOSE);
  });

  test('a 4 GiB window and a reader that stops: writes say false, little is held, and all comes when it reads again', async () => {
    let answers = 0;
    await open({
      hooks: {
        session: (_conn, _login, _request, channel) =>
          flood(channel, 40_000_000, () => {
            answers += 1;
            channel.close();
          }),
      },
    });
    await client.openSession(0, HUGE);
    client.socket.pause();
    client.send(message(MSG.CHANNEL_REQUEST, 0, 'shell', false));
    await pause(500);
    expect(answers).toBe(0);
    expect(door.bytesOwed()).toBeLessThan(SOCKET_HIGH_WATER + CHANNEL_HIGH_WATER);
    client.socket.resume();
    await client.next(MSG.CHANNEL_CLOSE, 10_000);
    expect(client.data().length).toBe(40_000_000);
  });

  test('a writer that ignores false loses its channel, not the process’s memory', async () => {
    await open({
      hooks: {
        session: (_conn, _login, _request, channel) => {
          channel.onClose(() => door.log.push('gone'));
          for (let i = 0; i < 1000; i += 1) channel.writeOut(Buffer.alloc(65536));
        },
      },
    });
    await client.openSession(0, 100);
    client.send(message(MSG.CHANNEL_REQUEST, 0, 'shell', false));
    await client.next(MSG.CHANNEL_CLOSE);
    expect(door.log).toContain('gone');
  });

  test('a window that adds up to more than 32 bits ends the connection', async () => {
    await client.exec('deaf', 0, HUGE);
    client.send(message(MSG.CHANNEL_WINDOW_ADJUST, 0, 1));
    await client.next(MSG.DISCONNECT);
  });

  test('with stderr and stdout both stalled, every byte comes once', async () => {
    await client.exec('both', 0, 10);
    for (let i = 0; i < 200; i += 1) client.send(message(MSG.CHANNEL_WINDOW_ADJUST, 0, 7));
    await client.next(MSG.CHANNEL_CLOSE);
    const words = (letter: string) => Array.from({ length: 100 }, (_, i) => `${letter}${i} `).join('');
    expect(client.data('out').toString()).toBe(words('o'));
    expect(client.data('err').toString()).toBe(words('e'));
  });

  test('answers to a client that asks and never reads are bounded', async () => {
    await client.openSession();
    client.socket.pause();
    const ask = message(MSG.CHANNEL_REQUEST, 0, `x${'y'.repeat(10)}`, true);
    let most = 0;
    for (let i = 0; i < 400 && door.door.connections() > 0; i += 1) {
      client.socket.cork();
      for (let j = 0; j < 1000; j += 1) client.send(ask);
      client.socket.uncork();
      await pause(1);
      most = Math.max(most, door.bytesOwed());
    }
    await pause(100);
    expect(door.door.connections()).toBe(0);
    expect(most).toBeLessThan(SOCKET_HARD_LIMIT + 65536);
  }, 30_000);

  test('close() gives up on a client that takes nothing, and frees the session at once', async () => {
    await open({ limits: { closeStallMs: 100 } });
    await client.exec('flood 100000', 0, 10);
    await client.next(MSG.CHANNEL_CLOSE);
    expect(client.data().length).toBe(10);
    expect(door.log).toContain('channel closed');
  });

  test('a client that never answers CLOSE holds its place on the connection and nothing else', async () => {
    await open({ limits: { channelsPerConnection: 1 } });
    await client.exec('status 0');
    await client.next(MSG.CHANNEL_CLOSE);
    expect(door.log).toContain('channel closed');
    client.send(message(MSG.CHANNEL_OPEN, 'session', 1, 1000, 1000));
    await client.next(MSG.CHANNEL_OPEN_FAILURE);
    client.send(message(MSG.CHANNEL_CLOSE, 0));
    await client.openSession(1);
  });
});

describe('flow from the client', () => {
  const packet = (size: number) => message(MSG.CHANNEL_DATA, 0, Buffer.alloc(size));

  test('what nobody reads is held up to the window, and one byte more ends the connection', async () => {
    await client.exec('deaf');
    for (let sent = 0; sent < CHANNEL_WINDOW; sent += 32768) client.send(packet(32768));
    await stillServes();
    expect(client.closed).toBe(false);
    client.send(packet(1));
    await client.next(MSG.DISCONNECT);
    await client.end();
  });

  test('extended data counts too', async () => {
    await client.exec('deaf');
    for (let sent = 0; sent <= CHANNEL_WINDOW; sent += 30000) {
      client.send(message(MSG.CHANNEL_EXTENDED_DATA, 0, 1, Buffer.alloc(30000)));
    }
    await client.next(MSG.DISCONNECT);
  });

  test('a million tiny packets nobody reads cost about their bytes', async () => {
    await client.exec('deaf');
    const tiny = packet(1);
    for (let i = 0; i < 100_000; i += 1) {
      client.send(tiny);
      if (i % 2000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(() => client.socket.writableLength === 0);
    await stillServes();
    door.channels[0]?.onInput((chunk) => door.log.push(`chunk ${chunk.length}`));
    const chunks = door.log.filter((line) => line.startsWith('chunk'));
    expect(chunks.length).toBeLessThan(100);
  });

  test('the window is renewed as input is read, and pausing holds it', async () => {
    await client.exec('sink');
    for (let sent = 0; sent < 4; sent += 1) {
      for (let i = 0; i < CHANNEL_WINDOW / 2 / 32768; i += 1) client.send(packet(32768));
      const adjust = await client.next(MSG.CHANNEL_WINDOW_ADJUST);
      adjust.uint32();
      expect(adjust.uint32()).toBe(CHANNEL_WINDOW / 2);
    }
    client.send(message(MSG.CHANNEL_EOF, 0));
    await client.next(MSG.CHANNEL_CLOSE);
    expect(client.data().toString()).toBe(String(2 * CHANNEL_WINDOW));
  });

  test('pauseInput stops delivery within a burst, resumeInput goes on in order, the end comes last', async () => {
    const got: string[] = [];
    let held: SessionChannel | undefined;
    await open({
      hooks: {
        session: (_conn, _login, _request, channel) => {
          held = channel;
          channel.onInput((chunk) => {
            got.push(chunk.toString());
            channel.pauseInput();
          });
          channel.onInputEnd(() => got.push('end'));
        },
      },
    });
    await client.exec('x');
    for (const text of ['a'.repeat(5000), 'b'.repeat(5000), 'c'.repeat(5000)]) {
      client.send(message(MSG.CHANNEL_DATA, 0, text));
    }
    client.send(message(MSG.CHANNEL_EOF, 0));
    await client.until(() => got.length === 1);
    await pause(20);
    expect(got.length).toBe(1);
    held?.resumeInput();
    held?.resumeInput();
    expect(got.map((text) => text[0]).join('')).toBe('abc');
    held?.resumeInput();
    expect(got.at(-1)).toBe('end');
  });
});

describe('requests', () => {
  const request = (type: string, ...fields: (string | number | boolean | Buffer)[]) =>
    client.send(message(MSG.CHANNEL_REQUEST, 0, type, true, ...fields));
  const succeeds = () => client.next(MSG.CHANNEL_SUCCESS);
  const fails = () => client.next(MSG.CHANNEL_FAILURE);

  test('a second shell or exec on a channel is refused, the first lives', async () => {
    await client.exec('cat');
    for (const second of ['shell', 'exec', 'subsystem']) {
      request(second, ...(second === 'shell' ? [] : ['status 0']));
      await fails();
    }
    client.send(message(MSG.CHANNEL_DATA, 0, 'hello'));
    await client.until(() => client.data().toString() === 'hello');
    expect(door.requests).toHaveLength(1);
  });

  test('terminal sizes are clamped, zero is the usual size, term is sanitised', async () => {
    await client.openSession();
    request('pty-req', 'x\n; evil', 4_000_000_000, 0, HUGE, 7, '');
    await succeeds();
    request('pty-req', 'xterm', 80, 24, 0, 0, '');
    await fails();
    request('exec', 'cat');
    await succeeds();
    expect(door.requests[0]?.pty).toEqual({ term: 'dumb', cols: 4096, rows: 24, xpixel: 65535, ypixel: 7, modes: [] });
    request('window-change', 100, 50, 0, 0);
    await succeeds();
    await client.until(() => client.data().toString() === '[100x50]');
  });

  test('a window change while the session is being admitted is not lost', async () => {
    await open({ hooks: { session: (_conn, _login, _request, channel) => void door.channels.push(channel) } });
    await client.openSession();
    request('pty-req', 'xterm', 80, 24, 0, 0, '');
    request('shell');
    request('window-change', 90, 30, 0, 0);
    request('window-change', 100, 40, 0, 0);
    for (let i = 0; i < 4; i += 1) await succeeds();
    const sizes: number[][] = [];
    door.channels[0]?.onResize((cols, rows) => sizes.push([cols, rows]));
    request('window-change', 110, 50, 0, 0);
    await succeeds();
    expect(sizes).toEqual([
      [100, 40],
      [110, 50],
    ]);
  });

  test('a window change without a pty, and a signal before the start, are refused', async () => {
    await client.openSession();
    request('window-change', 100, 50, 0, 0);
    await fails();
    request('signal', 'TERM');
    await fails();
    request('exec', 'cat');
    await succeeds();
    request('signal', 'TERM');
    await succeeds();
    request('signal', 'EVIL\u001b');
    await fails();
    await client.until(() => client.data().toString() === '[TERM]');
  });

  test('environment names are allowed one by one, values bounded and without control characters', async () => {
    await client.openSession();
    for (const [name, value] of [
      ['LANG', 'C\nPATH=x'],
      ['LANG', 'C\0'],
      ['LANG', Buffer.from([0xff])],
      ['LANG', 'x'.repeat(5000)],
      ['PATH', '/tmp'],
      ['LC_=', 'x'],
      ['', 'x'],
    ] as const) {
      request('env', name, value);
      await fails();
    }
    for (let i = 0; i < 40; i += 1) request('env', `LC_${i}`, 'x');
    for (let i = 0; i < 32; i += 1) await succeeds();
    for (let i = 0; i < 8; i += 1) await fails();
    request('exec', 'cat');
    await succeeds();
    request('env', 'LC_0', 'late');
    await fails();
    expect(Object.keys(door.requests[0]?.env ?? {})).toHaveLength(32);
    expect(door.requests[0]?.env.LC_0).toBe('x');
  });

  test('__proto__ is a name like any other', async () => {
    await open({ envAllow: () => true });
    await client.openSession();
    request('env', '__proto__', 'x');
    await succeeds();
    request('exec', 'cat');
    await succeeds();
    expect(Object.keys(door.requests[0]?.env ?? {})).toEqual(['__proto__']);
  });

  test('a command with a NUL byte is refused with a reason', async () => {
    await client.openSession();
    request('exec', 'status\0 0');
    await client.next(MSG.CHANNEL_CLOSE);
    expect(client.data('err').toString()).toContain('NUL');
    expect(door.requests).toEqual([]);
  });

  test('a command arrives byte for byte, byte order mark and all', async () => {
    const command = '\ufeffcat ü \ufffd 😀';
    await client.exec(command);
    expect(door.requests[0]?.command).toBe(command);
  });

  test('agent, X11 and unknown requests fail and break nothing', async () => {
    await client.openSession();
    for (const type of ['auth-agent-req@openssh.com', 'x11-req', 'break', 'keepalive@openssh.com', '__proto__']) {
      request(type);
      await fails();
    }
    request('exec', 'status 3');
    await succeeds();
  });

  test('global requests: forwards fail, a keepalive is answered, no-more-sessions is kept', async () => {
    for (const name of ['tcpip-forward', 'streamlocal-forward@openssh.com', 'keepalive@openssh.com']) {
      client.send(message(MSG.GLOBAL_REQUEST, name, true, 'localhost', 0));
      await client.next(MSG.REQUEST_FAILURE);
    }
    client.send(message(MSG.GLOBAL_REQUEST, 'no-more-sessions@openssh.com', true));
    await client.next(MSG.REQUEST_SUCCESS);
    client.send(message(MSG.CHANNEL_OPEN, 'session', 0, 1000, 1000));
    await client.next(MSG.CHANNEL_OPEN_FAILURE);
  });

  test.each(['direct-tcpip', 'direct-streamlocal@openssh.com', 'x11', 'auth-agent@openssh.com', 'tun@openssh.com'])(
    'a %s channel is refused with a reason',
    async (type) => {
      client.send(message(MSG.CHANNEL_OPEN, type, 9, 1000, 1000, 'host', 22, 'from', 1));
      const refusal = await client.next(MSG.CHANNEL_OPEN_FAILURE);
      expect(refusal.uint32()).toBe(9);
      refusal.uint32();
      expect(refusal.name()).toMatch(/^sallyport: /);
    },
  );

  test('channels are capped for each connection', async () => {
    await open({ limits: { channelsPerConnection: 3 } });
    for (let i = 0; i < 3; i += 1) await client.openSession(i);
    client.send(message(MSG.CHANNEL_OPEN, 'session', 3, 1000, 1000));
    const refusal = await client.next(MSG.CHANNEL_OPEN_FAILURE);
    refusal.uint32();
    expect(refusal.uint32()).toBe(4);
    expect(refusal.name()).toContain('3 sessions');
  });

  test.each([
    ['data for no channel', message(MSG.CHANNEL_DATA, 77, 'x')],
    ['a request for no channel', message(MSG.CHANNEL_REQUEST, 77, 'shell', true)],
    ['an answer to nothing', message(MSG.CHANNEL_OPEN_CONFIRMATION, 0, 0, 1, 1)],
    ['a truncated open', Buffer.from([MSG.CHANNEL_OPEN, 0, 0, 0, 9])],
    ['a truncated pty request', message(MSG.CHANNEL_REQUEST, 0, 'pty-req', true, 'xterm', 1)],
  ])('%s ends the connection and nothing else', async (_what, bytes) => {
    await client.openSession();
    client.send(bytes);
    await client.next(MSG.DISCONNECT);
    await client.end();
    await stillServes();
  });
});
