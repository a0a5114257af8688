import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { SallyportError } from '../core/errors.js';
import { ByteReader, sshString } from './bytes.js';

const TYPE = 'ssh-ed25519';
const MAGIC = Buffer.from('openssh-key-v1\0');
const ARMOUR = /^-----BEGIN OPENSSH PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*$/;
/** The format pads to the cipher's block; for no cipher that is 8. */
const BLOCK = 8;

/** A new ed25519 key without passphrase, in the format of ssh-keygen. */
export function generateHostKey(): string {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const publicKey = Buffer.from(x ?? '', 'base64url');
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    ...sshString(TYPE),
    ...sshString(publicKey),
    ...sshString(Buffer.concat([Buffer.from(d ?? '', 'base64url'), publicKey])),
    ...sshString('sallyport'),
  ]);
  const padding = Buffer.from(Array.from({ length: (BLOCK - (secret.length % BLOCK)) % BLOCK }, (_, i) => i + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([
    MAGIC,
    ...sshString('none'),
    ...sshString('none'),
    ...sshString(''),
    one,
    ...sshString(publicBlob(publicKey)),
    ...sshString(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** `SHA256:…` as ssh-keygen -l prints it. Throws SallyportError for anything but an ed25519 private key in OpenSSH's format. */
export function hostKeyFingerprint(pem: string): string {
  const blob = blobOfOpenSsh(pem);
  if (!blob) throw new SallyportError('failed', 'the host key is not an ed25519 private key; restore it from a backup');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function publicBlob(publicKey: Buffer): Buffer {
  return Buffer.concat([...sshString(TYPE), ...sshString(publicKey)]);
}

function blobOfOpenSsh(pem: string): Buffer | undefined {
  const body = ARMOUR.exec(pem)?.[1];
  if (body === undefined) return undefined;
  try {
    const reader = new ByteReader(Buffer.from(body, 'base64'), MAGIC.length);
    reader.string(); // cipher
    reader.string(); // kdf
    reader.string(); // kdf options
    if (reader.uint32() !== 1) return undefined;
    const blob = reader.string();
    return new ByteReader(blob).name() === TYPE ? blob : undefined;
  } catch {
    return undefined;
  }
}
