import { createPublicKey, type KeyObject } from 'node:crypto';
import { ByteReader, Malformed } from './bytes.js';

/** Smaller moduli can be broken, larger ones only cost us time. Bits. */
const MIN_RSA = 2048;
const MAX_RSA = 8192;

interface Curve {
  name: string;
  crv: string;
  hash: string;
  /** Bytes of a coordinate, and of r and s. */
  size: number;
}

const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['ecdsa-sha2-nistp256', { name: 'nistp256', crv: 'P-256', hash: 'sha256', size: 32 }],
  ['ecdsa-sha2-nistp384', { name: 'nistp384', crv: 'P-384', hash: 'sha384', size: 48 }],
  ['ecdsa-sha2-nistp521', { name: 'nistp521', crv: 'P-521', hash: 'sha512', size: 66 }],
]);

export type PublicKey =
  | { kind: 'ed25519'; type: string; key: KeyObject }
  | { kind: 'ecdsa'; type: string; key: KeyObject; hash: string; size: number }
  | { kind: 'rsa'; type: string; key: KeyObject /** bytes */; size: number };

/** Reads an SSH public key blob (RFC 4253 6.6, 5656, 8709), strictly; throws for anything else, small RSA keys included. */
export function readPublicKey(blob: Buffer): PublicKey {
  const reader = new ByteReader(blob);
  const type = reader.name();
  const key = readByType(type, reader);
  reader.end();
  return key;
}

function readByType(type: string, reader: ByteReader): PublicKey {
  const curve = CURVES.get(type);
  if (curve) return readEcdsa(type, curve, reader);
  if (type === 'ssh-ed25519') return readEd25519(type, reader);
  if (type === 'ssh-rsa') return readRsa(type, reader);
  throw new Malformed('no such key type');
}

function readEd25519(type: string, reader: ByteReader): PublicKey {
  const x = reader.string();
  if (x.length !== 32) throw new Malformed('ed25519 keys have 32 bytes');
  return { kind: 'ed25519', type, key: fromJwk({ kty: 'OKP', crv: 'Ed25519', x: base64url(x) }) };
}

function readEcdsa(type: string, curve: Curve, reader: ByteReader): PublicKey {
  const { name, crv, hash, size } = curve;
  if (reader.name() !== name) throw new Malformed('the curve is not the type says');
  const point = reader.string();
  if (point.length !== 1 + 2 * size || point[0] !== 4) throw new Malformed('not an uncompressed point');
  const x = base64url(point.subarray(1, 1 + size));
  const y = base64url(point.subarray(1 + size));
  return { kind: 'ecdsa', type, key: fromJwk({ kty: 'EC', crv, x, y }), hash, size };
}

function readRsa(type: string, reader: ByteReader): PublicKey {
  const e = readMpint(reader);
  const n = readMpint(reader);
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < MIN_RSA || bits > MAX_RSA) throw new Malformed('too small or too large');
  if (e.length > 4 || ((e.at(-1) ?? 0) & 1) === 0) throw new Malformed('no sound exponent');
  return { kind: 'rsa', type, key: fromJwk({ kty: 'RSA', n: base64url(n), e: base64url(e) }), size: n.length };
}

/** A positive mpint in its one correct form, without the sign byte. */
export function readMpint(reader: ByteReader): Buffer {
  const bytes = reader.string();
  const [first, second] = bytes;
  if (first === undefined || first >= 0x80) throw new Malformed('not a positive number');
  if (first !== 0) return bytes;
  if (second === undefined || second < 0x80) throw new Malformed('a number with leading zeros');
  return bytes.subarray(1);
}

function fromJwk(key: Record<string, string>): KeyObject {
  return createPublicKey({ format: 'jwk', key });
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}
