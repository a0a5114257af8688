import { BlockList, isIP } from 'node:net';

/** Networks seen in conditions; each costs a parse. */
const cache = new Map<string, BlockList>();
const CACHE_SIZE = 10_000;

/**
 * Whether an address lies in a network (`10.0.0.0/8`, `fd00::/8`; without a length, that one address). An IPv4-mapped
 * IPv6 address counts as the IPv4 address. Throws on anything that is not an address or a network.
 */
export function cidr(ip: string, net: string): boolean {
  const address = unmapped(ip);
  const family = isIP(address);
  if (family === 0) throw new Error(`${ip} is not an IP address`);
  return networkOf(net).check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Throws with words for a person when `net` is not a network. */
export function checkNetwork(net: string): void {
  networkOf(net);
}

/** The network that `10.1.2.3/8` lies in, `10.0.0.0/8`; undefined where nothing is beyond the prefix, and for no network. */
export function plainNetwork(net: string): string | undefined {
  const slash = net.indexOf('/');
  const [address, length] = [net.slice(0, slash), Number(net.slice(slash + 1))];
  if (slash < 0 || isIP(address) !== 4 || !(length >= 0 && length <= 32)) return undefined;
  const bits = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const kept = bits - (bits % 2 ** (32 - length));
  const plain = [24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join('.');
  return plain === address ? undefined : `${plain}/${length}`;
}

function networkOf(net: string): BlockList {
  const known = cache.get(net);
  if (known) return known;
  const list = parseNetwork(net);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(net, list);
  return list;
}

function parseNetwork(net: string): BlockList {
  const slash = net.indexOf('/');
  const text = slash < 0 ? net : net.slice(0, slash);
  const address = unmapped(text);
  const family = isIP(address);
  if (family === 0) throw new Error(`${net} is not a network; write one as 10.0.0.0/8 or fd00::/8`);
  const longest = family === 4 ? 32 : 128;
  const shift = address === text ? 0 : 96;
  const length = slash < 0 ? longest : prefixLength(net.slice(slash + 1)) - shift;
  if (!(length >= 0 && length <= longest)) throw new Error(`${net}: the prefix length is 0 to ${longest + shift}`);
  const list = new BlockList();
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  return list;
}

function prefixLength(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

function unmapped(ip: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;
}
