import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePublicKey, readPublicKeyFile } from '../../src/authority/index.js';
import { SallyportError } from '../../src/core/errors.js';

const dir = mkdtempSync(join(tmpdir(), 'sp-keys-'));

function made(type: string, bits?: number): string {
  const file = join(dir, `${type}-${bits ?? 0}`);
  const size = bits === undefined ? [] : ['-b', String(bits)];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', 'carol @ desk', '-f', file]);
  return file;
}

const ed = made('ed25519');
const line = readFileSync(`${ed}.pub`, 'utf8');
const [, data = ''] = line.split(' ');

describe('a public key that OpenSSH made', () => {
  test.each([
    ['ed25519', undefined],
    ['ecdsa', 256],
    ['ecdsa', 384],
    ['ecdsa', 521],
    ['rsa', 2048],
    ['rsa', 3072],
  ])('%s %s has the fingerprint that ssh-keygen prints', (type, bits) => {
    const file = type === 'ed25519' ? ed : made(type, bits);
    const [text = ''] = readPublicKeyFile(`${file}.pub`);
    const key = parsePublicKey(text);
    const printed = execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`], { encoding: 'utf8' });
    expect(printed).toContain(key.fp);
    expect(key.comment).toBe('carol @ desk');
    expect(`${key.type} ${key.data} ${key.comment}\n`).toBe(readFileSync(`${file}.pub`, 'utf8'));
  });

  test('may stand between blank lines and comments, with any line end', () => {
    expect(parsePublicKey(`# laptop\r\n\r\n${line.trim()}\r\n`)).toEqual(parsePublicKey(line));
  });

  test('without a comment has an empty one, and a comment is made safe to show', () => {
    expect(parsePublicKey(`ssh-ed25519 ${data}`).comment).toBe('');
    expect(parsePublicKey(`ssh-ed25519 ${data} a\u001b[2Jb`).comment).toBe('a\\e[2Jb');
  });
});

describe('anything else is refused with one line that says what to give', () => {
  const blob = Buffer.from(data, 'base64');
  const as = (type: string, bytes: Buffer) => `${type} ${bytes.toString('base64')}`;
  const badPoint = () => {
    const key = parsePublicKey(readFileSync(join(dir, 'ecdsa-256.pub'), 'utf8'));
    const bytes = Buffer.from(key.data, 'base64');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    return as(key.type, bytes);
  };
  test.each([
    ['a private key', () => readFileSync(ed, 'utf8'), /private key: give the public one/],
    [
      'a PEM file',
      () => execFileSync('ssh-keygen', ['-e', '-m', 'PKCS8', '-f', made('rsa', 2560)], { encoding: 'utf8' }),
      /ssh-keygen -i -m PKCS8/,
    ],
    ['an RFC 4716 file', () => execFileSync('ssh-keygen', ['-e', '-f', ed], { encoding: 'utf8' }), /ssh-keygen -i/],
    ['two keys', () => line + line, /2 lines: give one key at a time/],
    ['nothing', () => '\n# none\n', /no key in it/],
    ['options', () => `command="ls",no-pty ${line}`, /options before the key/],
    ['a short RSA key', () => readFileSync(`${made('rsa', 1024)}.pub`, 'utf8'), /RSA key of 1024 bits is too weak/],
    ['DSA', () => 'ssh-dss AAAA', /DSA keys are too weak/],
    ['a security key', () => 'sk-ssh-ed25519@openssh.com AAAA', /security keys .* not offered yet/],
    ['a certificate', () => 'ssh-ed25519-cert-v01@openssh.com AAAA', /certificates are not offered yet/],
    ['an unknown type', () => 'ssh-xmss@openssh.com AAAA', /not offered: use ssh-ed25519/],
    ['words', () => 'hello there', /not a public key/],
    ['another type than its blob', () => `ssh-rsa ${data}`, /damaged/],
    ['damaged base64', () => `ssh-ed25519 ${data.slice(0, 20)}!${data.slice(20)}`, /base64 part is damaged/],
    ['a blob cut short', () => as('ssh-ed25519', blob.subarray(0, -1)), /damaged/],
    ['a blob with more behind it', () => as('ssh-ed25519', Buffer.concat([blob, Buffer.alloc(4)])), /damaged/],
    ['a point off the curve', badPoint, /damaged/],
  ])('%s', (_name, text, message) => {
    let error: unknown;
    try {
      parsePublicKey(text());
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SallyportError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });

  test('naming the file when it came from one', () => {
    expect(() => readPublicKeyFile(ed)).toThrow(`${ed}: this is a private key`);
    expect(() => readPublicKeyFile('/nonexistent.pub')).toThrow('/nonexistent.pub: there is no such key file');
    writeFileSync(join(dir, 'long.pub'), `ssh-rsa ${'A'.repeat(20_000)}`);
    expect(() => readPublicKeyFile(join(dir, 'long.pub'))).toThrow(/long\.pub:1: .*too long/);
    writeFileSync(join(dir, 'second.pub'), `# two\n${line}${line.replace('AAAA', 'BBBB')}`);
    expect(() => readPublicKeyFile(join(dir, 'second.pub'))).toThrow(/second\.pub:3: the key is damaged/);
  });

  test('never by any other error', () => {
    const near = fc
      .tuple(fc.nat(blob.length - 1), fc.nat(255))
      .map(([at, value]) =>
        as('ssh-ed25519', Buffer.concat([blob.subarray(0, at), Buffer.from([value]), blob.subarray(at + 1)])),
      );
    const blobs = fc.tuple(fc.constantFrom('ssh-rsa', 'ecdsa-sha2-nistp256'), fc.uint8Array()).map(([t, b]) => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(t.length);
      return as(t, Buffer.concat([head, Buffer.from(t), b]));
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), near, blobs), (text) => {
        try {
          expect(parsePublicKey(text).fp).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
        } catch (error) {
          expect(error).toBeInstanceOf(SallyportError);
        }
      }),
    );
  });
});
