import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import type { HookEvent } from '../../src/hooks/index.js';
import { MAX_MESSAGE_BYTES, syslogMessage } from '../../src/hooks/syslog.js';
import { sendSyslog } from '../../src/hooks/syslog-send.js';
import { waitUntil } from '../helpers/until.js';

const clock = systemClock();
const origin = { host: 'bastion', pid: 42 };
const event: HookEvent = { id: '01j', event: 'command.refused', at: '2026-01-05T09:00:00.000Z', seq: 7, user: 'alice' };
const send = (place: Parameters<typeof sendSyslog>[0]['place'], ...messages: string[]) =>
  sendSyslog({ place, messages, timeoutMs: 2_000 }, clock);

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

const tempDir = () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
  cleanUp.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

async function tcp(onData: (text: string) => void) {
  const server = createServer((socket) => {
    socket
      .setEncoding('utf8')
      .on('data', (text: string) => onData(text))
      .on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => new Promise((resolve) => server.close(resolve)));
  return { via: 'tcp' as const, host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

describe('a syslog message', () => {
  it('has the shape of RFC 5424', () => {
    expect(syslogMessage({ ...event, text: 'rm -rf /', target: 'local' }, 10, origin)).toBe(
      '<84>1 2026-01-05T09:00:00.000Z bastion sallyport 42 command.refused ' +
        '[sallyport@32473 id="01j" seq="7" user="alice" target="local"] \ufeffcommand.refused alice on local: rm -rf /',
    );
  });

  it.each<[HookEvent['event'], object, number]>([
    ['session.start', {}, 6],
    ['lock', {}, 5],
    ['login.refused', {}, 4],
    ['door.lost', {}, 3],
    ['dropped', {}, 3],
    ['feed', { data: { state: 'stale' } }, 4],
    ['feed', { data: { state: 'fresh' } }, 6],
  ])('of %s %o has severity %i', (name, more, severity) => {
    expect(syslogMessage({ ...event, event: name, ...more }, 0, origin)).toMatch(new RegExp(`^<${severity}>1 `));
  });

  it('has what comes from outside escaped, so that it stays one message with the parameters it has', () => {
    const message = syslogMessage({ ...event, text: 'a\n<1>1 b\u0007', reason: 'x"] \\ [y' }, 10, origin);
    expect(message).toContain('reason="x\\"\\] \\\\ [y"');
    expect(message).toContain('a\\n<1>1 b\\x07');
    expect(message).not.toMatch(/[\u0000-\u001f]/);
  });

  it('fits into what every receiver takes, cut between characters', () => {
    const long = '\u{1f600}'.repeat(500);
    const all = {
      user: long,
      session: long,
      target: long,
      source: long,
      by: long,
      rule: long,
      reason: long,
      text: long,
    };
    const message = syslogMessage({ ...event, ...all }, 10, { host: 'h'.repeat(300), pid: 4_000_000 });
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(message).not.toContain('\ufffd');
    expect(message).toContain('"] \ufeff');
  });
});

describe('syslog', () => {
  it('goes over UDP, a datagram a message', async () => {
    const socket = createSocket('udp4');
    const got: string[] = [];
    socket.on('message', (bytes) => got.push(bytes.toString()));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    cleanUp.push(() => new Promise<void>((resolve) => socket.close(resolve)));
    await send({ via: 'udp', host: '127.0.0.1', port: socket.address().port }, 'one', 'zwei ä');
    await waitUntil(() => got.length === 2);
    expect(got).toEqual(['one', 'zwei ä']);
  });

  it('goes over TCP with octets counted', async () => {
    let got = '';
    const place = await tcp((text) => {
      got += text;
    });
    await send(place, 'one', 'zwei ä');
    await waitUntil(() => got.length >= 13);
    expect(got).toBe('3 one7 zwei ä');
  });

  it('fails where nobody listens, where nobody reads, and where there is no such name', async () => {
    const place = await tcp(() => {});
    for (const one of cleanUp.splice(0)) await one();
    await expect(send(place, 'x')).rejects.toMatchObject({
      again: true,
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    await expect(send({ via: 'unix', path: '/nonexistent' }, 'x')).rejects.toThrow(/connect to \/nonexistent: ENOENT/);
    const deaf = createServer((socket) => {
      socket.pause();
      socket.on('error', () => {});
      cleanUp.push(() => socket.destroy());
    });
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    cleanUp.unshift(() => new Promise((resolve) => deaf.close(resolve)));
    const port = (deaf.address() as AddressInfo).port;
    const much = Array.from({ length: 20 }, () => 'x'.repeat(2_000_000));
    await expect(send({ via: 'tcp', host: '127.0.0.1', port }, ...much)).rejects.toThrow(/not sent in 2000 ms/);
  });

  it('is read by rsyslogd over UDP, TCP and a unix socket as it was meant', async () => {
    const { dir, udp, tcpPort } = await rsyslog();
    const said = (via: string) => syslogMessage({ ...event, text: `über ${via}`, reason: 'a "b" ] c' }, 10, origin);
    await send({ via: 'udp', host: '127.0.0.1', port: udp }, said('udp'), said('udp'));
    await send({ via: 'tcp', host: '127.0.0.1', port: tcpPort }, said('tcp'), said('tcp'));
    await send({ via: 'unix', path: join(dir, 'log') }, said('unix'), said('unix'));
    const out = () => (existsSync(join(dir, 'out')) ? readFileSync(join(dir, 'out'), 'utf8').trim().split('\n') : []);
    await waitUntil(() => out().length >= 6);
    const sd = '[sallyport@32473 id="01j" seq="7" user="alice" reason="a \\"b\\" \\] c"]';
    for (const via of ['udp', 'tcp', 'unix'])
      expect(out().filter((line) => line.includes(via))).toEqual(
        Array(2).fill(
          `authpriv warning bastion sallyport 42 command.refused ${sd} \ufeffcommand.refused alice: über ${via} (a "b" ] c)`,
        ),
      );
  });
});

/** A real receiver with a directory and ports of its own; whoever else had the ports meanwhile makes it try others. */
async function rsyslog(): Promise<{ dir: string; udp: number; tcpPort: number }> {
  const dir = tempDir();
  const free = () =>
    new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
    });
  const [udp, tcpPort] = [await free(), await free()];
  const fields = '%syslogfacility-text% %syslogseverity-text% %hostname% %app-name% %procid% %msgid% %structured-data%';
  writeFileSync(
    join(dir, 'conf'),
    `global(workDirectory="${dir}" parser.escapeControlCharactersOnReceive="on")
module(load="imudp") module(load="imtcp") module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="${udp}")
input(type="imtcp" address="127.0.0.1" port="${tcpPort}")
input(type="imuxsock" socket="${join(dir, 'log')}" useSpecialParser="off" parseHostname="on")
template(name="t" type="string" string="${fields} %msg%\\n")
action(type="omfile" file="${join(dir, 'out')}" template="t")
`,
  );
  const child: ChildProcess = spawn('rsyslogd', ['-n', '-f', join(dir, 'conf'), '-i', join(dir, 'pid')], {
    stdio: 'inherit',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  cleanUp.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  const listens = (port: number) =>
    readFileSync('/proc/net/tcp', 'utf8').includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
  await waitUntil(() => existsSync(join(dir, 'log')) && listens(tcpPort));
  return { dir, udp, tcpPort };
}
