import { createServer, type Server, type Socket } from 'node:net';
import type { Address, Limits } from '../config/index.js';

/** One accepted connection, from accept to the door's word that it is closed. */
export interface Connection {
  readonly id: number;
  readonly ip: string;
  readonly port: number;
  authenticated: boolean;
  /** The pair that has it. */
  pair: number;
}

export interface Listener {
  /** The address in use, the port the system chose included. */
  readonly address: Address;
  connection(id: number): Connection | undefined;
  authenticated(id: number): void;
  closed(id: number): void;
  connectionsOf(pair: number): number[];
  countOf(pair: number): number;
  /** Stops accepting. */
  close(): void;
}

export interface ListenerHooks {
  /** Hands the socket to a door; undefined: none can take it. */
  give(note: { conn: number; ip: string; port: number }, socket: Socket): number | undefined;
}

/** Of the connections not logged in yet, what one source may hold: it alone can then shut nobody else out. */
const SOURCE_SHARE = 0.5;

/** Accepts, counts and passes on. No byte is read here. Rejects when the address cannot be had. */
export async function listen(address: Address, limits: Limits, hooks: ListenerHooks): Promise<Listener> {
  const connections = new Map<number, Connection>();
  const perSource = new Map<string, number>();
  const knocking = new Map<string, number>();
  let startups = 0;
  let next = 0;
  const forget = (id: number) => {
    const c = connections.get(id);
    if (!c) return;
    connections.delete(id);
    count(perSource, c.ip, -1);
    if (!c.authenticated) noKnock(c);
  };
  const noKnock = (c: Connection) => {
    startups -= 1;
    count(knocking, c.ip, -1);
  };
  const of = (pair: number) => [...connections.values()].filter((c) => c.pair === pair).map((c) => c.id);
  const full = (ip: string) =>
    connections.size >= limits.connections ||
    startups >= limits.startups ||
    (knocking.get(sourceOf(ip)) ?? 0) >= limits.startups * SOURCE_SHARE ||
    (perSource.get(sourceOf(ip)) ?? 0) >= limits.connectionsPerSource;
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    const ip = plainIp(socket.remoteAddress);
    if (ip === undefined || full(ip)) {
      socket.destroy();
      return;
    }
    next += 1;
    const note = { conn: next, ip, port: socket.remotePort ?? 0 };
    const connection: Connection = { id: next, ip, port: note.port, authenticated: false, pair: -1 };
    connections.set(next, connection);
    startups += 1;
    count(knocking, ip, 1);
    count(perSource, ip, 1);
    const pair = hooks.give(note, socket);
    if (pair === undefined) {
      forget(connection.id);
      socket.destroy();
    } else connection.pair = pair;
  });
  await started(server, address);
  return {
    address: boundAddress(server, address),
    connection: (id) => connections.get(id),
    authenticated(id) {
      const c = connections.get(id);
      if (!c || c.authenticated) return;
      c.authenticated = true;
      noKnock(c);
    },
    closed: forget,
    connectionsOf: of,
    countOf: (pair) => of(pair).length,
    close: () => void server.close(),
  };
}

function started(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, backlog: 511 }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}

function boundAddress(server: Server, address: Address): Address {
  const bound = server.address();
  return { host: address.host, port: typeof bound === 'object' && bound ? bound.port : address.port };
}

function count(map: Map<string, number>, ip: string, n: number): void {
  const source = sourceOf(ip);
  const now = (map.get(source) ?? 0) + n;
  if (now > 0) map.set(source, now);
  else map.delete(source);
}

/** IPv4 as such, also when it came mapped into IPv6. */
function plainIp(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** One source: an IPv4 address, or an IPv6 /64, which is what one customer gets. */
function sourceOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::', 2);
  const left = head.split(':').filter((p) => p !== '');
  const missing = tail === undefined ? 0 : 8 - left.length - tail.split(':').filter((p) => p !== '').length;
  return [...left, ...Array<string>(Math.max(0, missing)).fill('0')].slice(0, 4).join(':');
}
