/** Proof of possession of a user's key, checked by the keeper with node:crypto alone. */
import { verify } from 'node:crypto';
import { ByteReader, Malformed } from './bytes.js';
import { KEY_TYPE_OF, MSG } from './messages.js';
import { type PublicKey, readMpint, readPublicKey } from './public-key.js';
import type { Proof } from './types.js';

/** A session id is a SHA-256 hash with the one key exchange on offer. Bytes. */
const SESSION_ID = 32;

/**
 * Did the owner of the key sign a login as this very user? `expected.user` is the login name as the client sent it
 * (`alice+db1`, LoginName.raw). The signed bytes must be exactly what RFC 4252 section 7 prescribes and say what the proof
 * claims. Whether the key is the user's, and the session id fresh, is for the caller. Never throws.
 */
export function verifyProof(proof: Proof, expected: { user: string }): boolean {
  try {
    return checkedProof(proof, expected.user) === true;
  } catch {
    return false;
  }
}

/** The session id a signed blob is bound to: a keeper that refuses one it has seen stops replays. Undefined when malformed. */
export function sessionIdOf(signedBlob: Buffer): Buffer | undefined {
  try {
    const id = new ByteReader(signedBlob).string();
    return id.length === SESSION_ID ? id : undefined;
  } catch {
    return undefined;
  }
}

function checkedProof(proof: Proof, user: string): boolean {
  const { algo, keyType, keyBlob, signedBlob } = proof;
  if (KEY_TYPE_OF.get(algo) !== keyType) return false;
  checkSigned(signedBlob, user, algo, keyBlob);
  const key = readPublicKey(keyBlob);
  if (key.type !== keyType) return false;
  const reader = new ByteReader(proof.signature);
  if (reader.name() !== algo) return false;
  const signature = reader.string();
  reader.end();
  return signatureHolds(key, algo, signedBlob, signature);
}

function checkSigned(signedBlob: Buffer, user: string, algo: string, keyBlob: Buffer): void {
  const reader = new ByteReader(signedBlob);
  if (reader.string().length !== SESSION_ID) throw new Malformed('no session id');
  if (reader.byte() !== MSG.USERAUTH_REQUEST) throw new Malformed('not a login');
  if (!reader.string().equals(Buffer.from(user))) throw new Malformed('another user');
  if (reader.name() !== 'ssh-connection') throw new Malformed('another service');
  if (reader.name() !== 'publickey') throw new Malformed('another method');
  if (reader.byte() !== 1) throw new Malformed('not a signed attempt');
  if (reader.name() !== algo) throw new Malformed('another algorithm');
  if (!reader.string().equals(keyBlob)) throw new Malformed('another key');
  reader.end();
}

function signatureHolds(key: PublicKey, algo: string, data: Buffer, signature: Buffer): boolean {
  switch (key.kind) {
    case 'ed25519':
      return signature.length === 64 && verify(null, data, key.key, signature);
    case 'rsa':
      return (
        signature.length === key.size && verify(algo === 'rsa-sha2-512' ? 'sha512' : 'sha256', data, key.key, signature)
      );
    case 'ecdsa':
      return verify(key.hash, data, { key: key.key, dsaEncoding: 'ieee-p1363' }, fixedWidth(signature, key.size));
  }
}

/** RFC 5656 3.1.2: r and s as mpints; node:crypto wants them side by side. */
function fixedWidth(signature: Buffer, size: number): Buffer {
  const reader = new ByteReader(signature);
  const numbers = [readMpint(reader), readMpint(reader)];
  reader.end();
  return Buffer.concat(
    numbers.map((bytes) => {
      if (bytes.length > size) throw new Malformed('larger than the curve');
      return Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
    }),
  );
}
