import { createHash, createPublicKey } from 'node:crypto';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import type { PublicKey } from './types.js';

const MAX_LINE = 16_384;
const MIN_RSA_BITS = 2048;
/** OpenSSH's own bound. */
const MAX_RSA_BITS = 16_384;
const CURVES: Record<string, { name: string; crv: string; bytes: number }> = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', crv: 'P-256', bytes: 32 },
  'ecdsa-sha2-nistp384': { name: 'nistp384', crv: 'P-384', bytes: 48 },
  'ecdsa-sha2-nistp521': { name: 'nistp521', crv: 'P-521', bytes: 66 },
};
const OFFERED = 'use ssh-ed25519, ecdsa-sha2-nistp256/384/521 or ssh-rsa';
const KEY_TYPE = /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+$/;

/**
 * Reads one line as OpenSSH writes it in a .pub file: type, base64, comment. Blank lines and lines that begin with `#`
 * do not count. Throws a SallyportError with one line: what is wrong and what to give instead.
 */
export function parsePublicKey(text: string): PublicKey {
  const line = onlyLine(text);
  const [type = '', data = '', ...comment] = line.split(/[ \t]+/);
  checkType(type, line);
  const blob = Buffer.from(data, 'base64');
  if (data === '' || blob.toString('base64') !== padded(data)) fail('the key is not whole: its base64 part is damaged');
  checkBlob(type, blob);
  return {
    fp: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    type,
    data: blob.toString('base64'),
    comment: escapeText(comment.join(' '), 200),
  };
}

function onlyLine(text: string): string {
  if (text.includes('PRIVATE KEY')) fail('this is a private key: give the public one, the file that ends in .pub');
  if (text.includes('BEGIN SSH2 PUBLIC KEY'))
    fail('this is not OpenSSH’s format: convert it with ssh-keygen -i -f FILE');
  if (text.includes('PUBLIC KEY---'))
    fail('this is not OpenSSH’s format: convert it with ssh-keygen -i -m PKCS8 -f FILE');
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [line, ...more] = lines;
  if (line === undefined) return fail('there is no key in it');
  if (more.length > 0) fail(`it holds ${lines.length} lines: give one key at a time`);
  if (line.length > MAX_LINE) fail('the line is too long for a public key');
  return line;
}

function checkType(type: string, line: string): void {
  if (type === 'ssh-ed25519' || type === 'ssh-rsa' || Object.hasOwn(CURVES, type)) return;
  if (type === 'ssh-dss') fail(`DSA keys are too weak: ${OFFERED}`);
  if (type.includes('-cert-v0')) fail('certificates are not offered yet: give the plain public key');
  if (type.startsWith('sk-')) fail(`security keys (${escapeText(type, 60)}) are not offered yet: ${OFFERED}`);
  if (KEY_TYPE.test(type)) fail(`keys of type ${escapeText(type, 60)} are not offered: ${OFFERED}`);
  if (line.split(/[ \t]+/).some((word) => KEY_TYPE.test(word)))
    fail('options before the key are not obeyed here: give the line from the key type on, and write limits as policy');
  fail('this is not a public key: give a line such as ssh-ed25519 AAAA… comment');
}

function checkBlob(type: string, blob: Buffer): void {
  const parts = stringsOf(blob);
  if (!parts || parts[0]?.toString('latin1') !== type)
    fail(`the key is damaged: what it holds is not a key of type ${type}`);
  const rest = parts?.slice(1) ?? [];
  const good = type === 'ssh-ed25519' ? isEd25519(rest) : type === 'ssh-rsa' ? isRsa(rest) : isEcdsa(type, rest);
  if (!good) fail(`the key is damaged: what it holds is not a key of type ${type}`);
}

/** RFC 4251 strings until the end; undefined when the lengths do not add up. */
function stringsOf(blob: Buffer): Buffer[] | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    parts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

const isEd25519 = (parts: readonly Buffer[]): boolean => parts.length === 1 && parts[0]?.length === 32;

function isRsa(parts: readonly Buffer[]): boolean {
  const [e, n] = parts;
  if (parts.length !== 2 || !e || !n || !isPositive(e) || !isPositive(n)) return false;
  const bits = bitsOf(n);
  if (bits < MIN_RSA_BITS)
    fail(`an RSA key of ${bits} bits is too weak: at least ${MIN_RSA_BITS}, or better ssh-ed25519`);
  const odd = ((e.at(-1) ?? 0) & (n.at(-1) ?? 0) & 1) === 1;
  return bits <= MAX_RSA_BITS && odd && bitsOf(e) >= 2 && bitsOf(e) <= 256;
}

function isEcdsa(type: string, parts: readonly Buffer[]): boolean {
  const curve = CURVES[type];
  const [name, point] = parts;
  if (parts.length !== 2 || !curve || name?.toString('latin1') !== curve.name || !point) return false;
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) return false;
  const x = point.subarray(1, 1 + curve.bytes).toString('base64url');
  const y = point.subarray(1 + curve.bytes).toString('base64url');
  try {
    // Throws for a point that is not on the curve.
    createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: curve.crv, x, y } });
    return true;
  } catch {
    return false;
  }
}

/** A canonical mpint above zero (RFC 4251, section 5). */
function isPositive(mpint: Buffer): boolean {
  const [first = 0, second = 0] = mpint;
  return mpint.length > 0 && (first & 0x80) === 0 && (first !== 0 || (second & 0x80) !== 0);
}

function bitsOf(mpint: Buffer): number {
  const start = mpint[0] === 0 ? 1 : 0;
  return (mpint.length - start) * 8 - (Math.clz32(mpint[start] ?? 0) - 24);
}

const padded = (base64: string): string => base64 + '='.repeat((4 - (base64.length % 4)) % 4);

function fail(message: string): never {
  throw new SallyportError('failed', message);
}
