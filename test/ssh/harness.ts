/** A door on a free port whose sessions are a few small programs of our own. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import type {
  Login,
  SessionChannel,
  SessionRequest,
  SshConnection,
  SshDoor,
  SshHooks,
  SshLimits,
} from '../../src/ssh/index.js';
import { createSshDoor, generateHostKey, verifyProof } from '../../src/ssh/index.js';

export interface TestDoor {
  port: number;
  door: SshDoor;
  hostKey: string;
  /** What happened, in order. */
  log: string[];
  faults: unknown[];
  requests: SessionRequest[];
  channels: SessionChannel[];
  connections: SshConnection[];
  bytesOwed(): number;
  stop(): Promise<void>;
}

export interface TestDoorOptions {
  /** Base64 of the key blobs that may log in, as any user but `nobody`. */
  keys?: string[];
  limits?: Partial<SshLimits>;
  hooks?: Partial<SshHooks>;
  envAllow?: (name: string) => boolean;
}

export async function startDoor(options: TestDoorOptions = {}): Promise<TestDoor> {
  const log: string[] = [];
  const faults: unknown[] = [];
  const requests: SessionRequest[] = [];
  const channels: SessionChannel[] = [];
  const connections: SshConnection[] = [];
  const sockets = new Set<import('node:net').Socket>();
  const known = (user: string, blob: Buffer) =>
    user !== 'nobody' && (options.keys ?? []).includes(blob.toString('base64'));
  const hostKey = generateHostKey();
  const door = createSshDoor<Login>(
    {
      hostKey,
      clock: systemClock(),
      limits: { loginGraceMs: 60_000, authTries: 6, channelsPerConnection: 10, ...options.limits },
      envAllow: options.envAllow ?? ((name) => name === 'LANG' || name.startsWith('LC_')),
    },
    {
      probe: async (_conn, name, key) => known(name.user, key.keyBlob),
      login: async (_conn, name, proof) => {
        const good = known(name.user, proof.keyBlob) && verifyProof(proof, { user: name.raw }) === true;
        log.push(`login ${name.raw} ${proof.algo} ${good}`);
        return good ? { user: name.user, target: name.target } : undefined;
      },
      session: (_conn, login, request, channel) => {
        log.push(`session ${login.user} ${login.target} ${request.kind}`);
        requests.push(request);
        channels.push(channel);
        channel.onClose(() => log.push('channel closed'));
        run(request, channel);
      },
      authenticated: (conn) => void connections.push(conn),
      closed: () => void log.push('closed'),
      fault: (_conn, error) => void faults.push(error),
      ...options.hooks,
    },
  );
  let id = 0;
  const server = createServer((socket) => {
    id += 1;
    sockets.add(socket);
    door.accept(socket, { id, ip: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    door,
    hostKey,
    log,
    faults,
    requests,
    channels,
    connections,
    bytesOwed: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
    stop: async () => {
      door.close();
      server.close();
      await once(server, 'close');
    },
  };
}

function run(request: SessionRequest, channel: SessionChannel): void {
  const [program = '', arg = ''] = (request.command ?? 'shell').split(' ');
  PROGRAMS[program]?.(channel, arg, request);
}

const PROGRAMS: Record<string, (channel: SessionChannel, arg: string, request: SessionRequest) => void> = {
  shell: echo,
  cat: echo,
  status: (channel, arg) => leave(channel, { code: Number(arg) }),
  signal: (channel, arg) => leave(channel, { signal: arg }),
  request(channel, _arg, request) {
    channel.writeOut(Buffer.from(JSON.stringify(request)));
    leave(channel, { code: 0 });
  },
  both(channel) {
    for (let i = 0; i < 100; i += 1) {
      channel.writeOut(Buffer.from(`o${i} `));
      channel.writeErr(Buffer.from(`e${i} `));
    }
    leave(channel, { code: 3 });
  },
  flood(channel, arg) {
    flood(channel, Number(arg), () => leave(channel, { code: 0 }));
  },
  sink(channel) {
    let taken = 0;
    channel.onInput((chunk) => {
      taken += chunk.length;
    });
    channel.onInputEnd(() => {
      channel.writeOut(Buffer.from(String(taken)));
      leave(channel, { code: 0 });
    });
  },
  deaf: () => {},
};

function echo(channel: SessionChannel): void {
  channel.onResize((cols, rows) => void channel.writeOut(Buffer.from(`[${cols}x${rows}]`)));
  channel.onSignal((name) => void channel.writeOut(Buffer.from(`[${name}]`)));
  channel.onInput((chunk) => {
    if (!channel.writeOut(chunk)) channel.pauseInput();
  });
  channel.onDrain(() => channel.resumeInput());
  channel.onInputEnd(() => leave(channel, { code: 0 }));
}

function leave(channel: SessionChannel, status: { code: number } | { signal: string }): void {
  channel.exit(status);
  channel.close();
}

export function flood(channel: SessionChannel, bytes: number, done: () => void, chunkSize = 65536): void {
  const chunk = Buffer.alloc(chunkSize, 'x');
  let left = bytes;
  const more = () => {
    while (left > 0) {
      const part = chunk.subarray(0, Math.min(left, chunkSize));
      left -= part.length;
      if (!channel.writeOut(part)) break;
    }
    if (left === 0) {
      left = -1;
      done();
    }
  };
  channel.onDrain(() => left > 0 && more());
  more();
}

/** expect.poll with patience for a loaded machine. */
export const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 5000 });
