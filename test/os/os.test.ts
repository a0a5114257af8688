import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BELL_FD } from '../../src/os/child-signal.js';
import { isCloexec, pipe, setCloexec } from '../../src/os/fd.js';
import { recvFds, recvPacket, sendFds, socketpair } from '../../src/os/lane.js';
import { peerCredentials } from '../../src/os/peercred.js';
import { pidfdGone, pidfdOpen, pidfdSignal } from '../../src/os/process.js';
import { assemble, sessionFilter } from '../../src/os/seccomp.js';
import { compiledDir } from '../helpers/compiled.js';

test('descriptors cross a lane under their token, close-on-exec, and are the same files', () => {
  const [a, b] = socketpair();
  const path = join(tmpdir(), `sallyport-lane-${process.pid}`);
  writeFileSync(path, '');
  const file = openSync(path, 'w');
  sendFds(a, 'token-1', [file, file]);
  const received = recvFds(b, 'token-1');
  expect(received).toHaveLength(2);
  for (const fd of received) expect(isCloexec(fd)).toBe(true);
  writeSync(received[0] as number, 'through the lane');
  expect(readFileSync(path, 'utf8')).toBe('through the lane');
  for (const fd of [...received, file, a, b]) closeSync(fd);
});

test('a packet under another token is a broken peer, and its descriptors are closed', () => {
  const [a, b] = socketpair();
  const ends = pipe();
  sendFds(a, 'one', [ends.write]);
  closeSync(ends.write);
  expect(() => recvFds(b, 'two')).toThrow('expected two, found another packet');
  // The only writer is gone again: reading meets the end at once.
  expect(readFileSync(ends.read, 'utf8')).toBe('');
  expect(() => recvFds(b, 'two')).toThrow('found nothing');
  closeSync(a);
  expect(recvPacket(b)).toBeUndefined();
  closeSync(b);
  closeSync(ends.read);
});

test('a lane that nobody reads fills up with an error, not with a wait', () => {
  const [a, b] = socketpair();
  const send = () => {
    for (let i = 0; i < 100_000; i += 1) sendFds(a, 'x'.repeat(64), [a]);
  };
  expect(send).toThrow(/EAGAIN|ETOOMANYREFS/);
  closeSync(b);
  expect(() => sendFds(a, 't', [a])).toThrow(/EPIPE|ECONN/);
  closeSync(a);
});

test('a pidfd means one process only, and tells when it is gone', async () => {
  const child = spawn('sleep', ['100']);
  const over = new Promise((ok) => child.once('exit', ok));
  const pidfd = pidfdOpen(child.pid ?? 0);
  expect(pidfdGone(pidfd)).toBe(false);
  expect(pidfdSignal(pidfd, 9)).toBe(true);
  await over;
  expect(pidfdGone(pidfd)).toBe(true);
  expect(pidfdSignal(pidfd, 9)).toBe(false);
  closeSync(pidfd);
});

test('the peer of a unix socket is who the kernel says', async () => {
  const path = join(tmpdir(), `sallyport-peer-${process.pid}`);
  const server = createServer();
  const arrived = new Promise<ReturnType<typeof peerCredentials>>((ok) => {
    server.once('connection', (socket) => {
      ok(peerCredentials(socket));
      socket.destroy();
    });
  });
  await new Promise<void>((ok) => server.listen(path, ok));
  const client = connect(path);
  expect(await arrived).toEqual({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  client.destroy();
  server.close();
});

test('close-on-exec can be set', () => {
  const ends = pipe();
  expect(isCloexec(ends.read)).toBe(true);
  setCloexec(ends.write);
  for (const fd of Object.values(ends)) closeSync(fd);
});

/** Runs classic BPF over one struct seccomp_data, as the kernel would. */
function judge(program: Buffer, nr: number, arch: number, args: number[]): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  args.forEach((value, i) => {
    data.writeBigUInt64LE(BigInt(value), 16 + 8 * i);
  });
  const holds: Record<number, (a: number, k: number) => boolean> = {
    21: (a, k) => a === k,
    53: (a, k) => a >= k,
    69: (a, k) => (a & k) !== 0,
  };
  let a = 0;
  for (let pc = 0; ; pc += 1) {
    const at = pc * 8;
    const code = program.readUInt16LE(at);
    const k = program.readUInt32LE(at + 4);
    if (code === 0x06) return k;
    const test = holds[code];
    if (test) pc += program.readUInt8(test(a, k) ? at + 2 : at + 3);
    else a = data.readUInt32LE(k);
  }
}

const [ALLOW, TRACE, KILL, EPERM, ENOSYS] = [0x7fff0000, 0x7ff00000, 0x80000000, 0x50001, 0x50026];

/** Numbers as the kernel's own headers give them: what must be asked about, refused, and looked into. */
const ABIS = {
  x64: {
    arch: 0xc000003e,
    exec: [59, 322],
    denied: [101, 311, 165, 166, 155, 161, 308, 321, 425],
    ioctl: 16,
    clone: 56,
  },
  arm64: {
    arch: 0xc00000b7,
    exec: [221, 281],
    denied: [117, 271, 40, 39, 41, 51, 268, 280, 425],
    ioctl: 29,
    clone: 220,
  },
};

test.each(Object.entries(ABIS))(
  'the filter for %s traces both exec calls, denies what it must, and kills other ABIs',
  (name, { arch, exec, denied, ioctl, clone }) => {
    const traced = sessionFilter({ traced: true }, name);
    for (const nr of exec) {
      expect(judge(traced, nr, arch, [])).toBe(TRACE);
      expect(judge(sessionFilter({ traced: false }, name), nr, arch, [])).toBe(ALLOW);
    }
    for (const nr of denied) expect(judge(traced, nr, arch, [])).toBe(EPERM);
    expect(judge(traced, ioctl, arch, [0, 0x5412])).toBe(EPERM);
    expect(judge(traced, ioctl, arch, [0, 0x541c])).toBe(EPERM);
    expect(judge(traced, ioctl, arch, [0, 0x5401])).toBe(ALLOW);
    expect(judge(traced, clone, arch, [0x10000011])).toBe(EPERM);
    expect(judge(traced, clone, arch, [0x11])).toBe(ALLOW);
    expect(judge(traced, 435, arch, [])).toBe(ENOSYS);
    const spaces = sessionFilter({ traced: true, userNamespaces: true }, name);
    expect(judge(spaces, clone, arch, [0x10000011])).toBe(ALLOW);
    for (const flags of [0x10020000, 0x20000, 0x10800000]) expect(judge(spaces, clone, arch, [flags])).toBe(EPERM);
    for (const nr of denied) expect(judge(spaces, nr, arch, [])).toBe(EPERM);
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.integer({ min: 0, max: 0xffffffff }), (nr, other) => {
        return other === arch || judge(traced, nr, other, []) === KILL;
      }),
    );
  },
);

test('the x32 calls of x86_64, all of them, are killed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0x40000000, max: 0xffffffff }), (nr) => {
      return judge(sessionFilter({ traced: true }, 'x64'), nr, ABIS.x64.arch, []) === KILL;
    }),
  );
});

test('the 32-bit calls of x86_64 and of arm64 are killed', () => {
  for (const nr of [11, 358, 387]) {
    expect(judge(sessionFilter({ traced: true }, 'x64'), nr, 0x40000003, [])).toBe(KILL);
    expect(judge(sessionFilter({ traced: true }, 'arm64'), nr, 0x40000028, [])).toBe(KILL);
  }
});

test('a jump to nowhere is no program', () => {
  expect(() => assemble([{ code: 0x15, k: 1, yes: 'gone' }])).toThrow('no jump to gone');
});
test('a SIGCHLD rings the bell: one that came before the wait, one that comes during it, and none unheard', async () => {
  const script = `
    const { hangBell, silenceBell, BELL_FD } = await import(process.env.DIST + '/os/child-signal.js');
    const { createEpoll } = await import(process.env.DIST + '/os/epoll.js');
    const { spawn } = await import('node:child_process');
    const other = spawn('sh', ['-c', 'read -r _; sleep 0.2; kill -CHLD $PPID; read -r _'], { stdio: ['pipe', 'ignore', 'inherit'] });
    hangBell();
    const epoll = createEpoll({ edges: [BELL_FD], levels: [0] });
    const seen = [epoll.wait(0)];
    process.kill(process.pid, 'SIGCHLD');
    seen.push(epoll.wait(10_000), epoll.wait(0));
    (await import('node:fs')).writeSync(other.stdin._handle.fd, '\\n');
    seen.push(epoll.wait(10_000), epoll.wait(0));
    silenceBell();
    process.kill(process.pid, 'SIGCHLD');
    seen.push(epoll.wait(10_000));
    other.kill('SIGKILL');
    process.stdout.write(JSON.stringify(seen), () => process.kill(process.pid, 'SIGKILL'));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit', ...Array<'ignore'>(BELL_FD - 3).fill('ignore'), 2],
    env: { ...process.env, DIST: compiledDir() },
  });
  let text = '';
  (child.stdout as Readable).on('data', (data: Buffer) => {
    text += data.toString();
  });
  await once(child, 'close');
  expect(JSON.parse(text)).toEqual([0, 1, 0, 1, 0, 1]);
});
