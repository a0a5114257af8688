import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { message, sshString } from '../../src/ssh/bytes.js';
import { type Proof, sessionIdOf, verifyProof } from '../../src/ssh/index.js';
import { MSG } from '../../src/ssh/messages.js';

const SESSION = randomBytes(32);

interface Key {
  type: string;
  secret: KeyObject;
  blob: Buffer;
}

const b64 = (text: string | undefined) => Buffer.from(text ?? '', 'base64url');
const join = (...parts: (Buffer | string)[]) => Buffer.concat(parts.flatMap((part) => sshString(part)));
const mpint = (bytes: Buffer) => {
  let from = 0;
  while (from < bytes.length && bytes[from] === 0) from += 1;
  const short = bytes.subarray(from);
  return (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
};

function ed25519(): Key {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    type: 'ssh-ed25519',
    secret: privateKey,
    blob: join('ssh-ed25519', b64(publicKey.export({ format: 'jwk' }).x)),
  };
}

function ecdsa(bits: 256 | 384 | 521): Key {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: `P-${bits}` });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const type = `ecdsa-sha2-nistp${bits}`;
  return { type, secret: privateKey, blob: join(type, `nistp${bits}`, Buffer.concat([Buffer.of(4), b64(x), b64(y)])) };
}

function rsa(bits: number): Key {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const { e, n } = publicKey.export({ format: 'jwk' });
  return { type: 'ssh-rsa', secret: privateKey, blob: join('ssh-rsa', mpint(b64(e)), mpint(b64(n))) };
}

const HASH: Record<string, string | null> = {
  'ssh-ed25519': null,
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
  'ssh-rsa': 'sha1',
};

function rawSignature(key: Key, algo: string, data: Buffer): Buffer {
  const hash = HASH[algo] ?? null;
  if (!key.type.startsWith('ecdsa')) return sign(hash, data, key.secret);
  const both = sign(hash, data, { key: key.secret, dsaEncoding: 'ieee-p1363' });
  return join(mpint(both.subarray(0, both.length / 2)), mpint(both.subarray(both.length / 2)));
}

const request = (user: string, algo: string, blob: Buffer) =>
  message(MSG.USERAUTH_REQUEST, user, 'ssh-connection', 'publickey', true, algo, blob);

function proofOver(key: Key, algo: string, signedBlob: Buffer): Proof {
  const signature = join(algo, rawSignature(key, algo, signedBlob));
  return { algo, keyType: key.type, keyBlob: key.blob, signedBlob, signature };
}

function proofFor(key: Key, algo = key.type, user = 'alice+db1'): Proof {
  return proofOver(key, algo, Buffer.concat([...sshString(SESSION), request(user, algo, key.blob)]));
}

const keys: [string, Key, string][] = [
  ['ed25519', ed25519(), 'ssh-ed25519'],
  ['ecdsa p256', ecdsa(256), 'ecdsa-sha2-nistp256'],
  ['ecdsa p384', ecdsa(384), 'ecdsa-sha2-nistp384'],
  ['ecdsa p521', ecdsa(521), 'ecdsa-sha2-nistp521'],
  ['rsa sha-256', rsa(2048), 'rsa-sha2-256'],
  ['rsa sha-512', rsa(3072), 'rsa-sha2-512'],
];
const user = { user: 'alice+db1' };
const ed = keys[0]?.[1] as Key;
const p521 = keys[3]?.[1] as Key;
const rsa2048 = keys[4]?.[1] as Key;

describe.each(keys)('%s', (_name, key, algo) => {
  test('a sound proof holds, many times over', () => {
    for (let i = 0; i < 40; i += 1) expect(verifyProof(proofFor(key, algo), user)).toBe(true);
  });

  test('and not for another user, the bare name included', () => {
    for (const name of ['alice', 'alice+db', 'alice+db1 ', 'Alice+db1', '']) {
      expect(verifyProof(proofFor(key, algo), { user: name })).toBe(false);
    }
  });

  test('no bit of it can change', () => {
    const proof = proofFor(key, algo);
    const parts = ['keyBlob', 'signedBlob', 'signature'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(), fc.integer({ min: 0, max: 7 }), (part, at, bit) => {
        const bytes = Buffer.from(proof[part]);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        // The session id may be any: it is bound by the signature.
        return verifyProof({ ...proof, [part]: bytes }, user) === false;
      }),
      { numRuns: 300 },
    );
  });

  test('nothing may be cut off or appended', () => {
    const proof = proofFor(key, algo);
    for (const part of ['keyBlob', 'signedBlob', 'signature'] as const) {
      expect(verifyProof({ ...proof, [part]: Buffer.concat([proof[part], Buffer.of(0)]) }, user)).toBe(false);
      expect(verifyProof({ ...proof, [part]: proof[part].subarray(0, -1) }, user)).toBe(false);
      expect(verifyProof({ ...proof, [part]: Buffer.alloc(0) }, user)).toBe(false);
    }
  });

  test('another key’s signature does not hold', () => {
    const other = key.type === 'ssh-ed25519' ? ed25519() : key.type === 'ssh-rsa' ? rsa(2048) : ecdsa(256);
    const { signedBlob } = proofFor(key, algo);
    const signature = join(
      algo,
      rawSignature(other, algo === other.type || other.type === 'ssh-rsa' ? algo : other.type, signedBlob),
    );
    expect(verifyProof({ ...proofFor(key, algo), signature }, user)).toBe(false);
  });
});

describe('what was signed must be a login', () => {
  const signed = (body: Buffer, session: Buffer = SESSION) =>
    proofOver(ed, 'ssh-ed25519', Buffer.concat([...sshString(session), body]));
  const good = request('alice+db1', ed.type, ed.blob);

  test('the control: as prescribed, it holds', () => {
    expect(verifyProof(signed(good), user)).toBe(true);
  });

  const named = (service: string, method: string, flag: boolean) =>
    message(MSG.USERAUTH_REQUEST, 'alice+db1', service, method, flag, ed.type, ed.blob);

  test.each([
    ['another message', message(51, 'alice+db1', 'ssh-connection', 'publickey', true, ed.type, ed.blob)],
    ['another service', named('ssh-userauth', 'publickey', true)],
    ['another method', named('ssh-connection', 'hostbased', true)],
    ['an unsigned query', named('ssh-connection', 'publickey', false)],
    ['another algorithm', message(50, 'alice+db1', 'ssh-connection', 'publickey', true, 'rsa-sha2-256', ed.blob)],
    ['another key', request('alice+db1', ed.type, ed25519().blob)],
    ['trailing bytes', Buffer.concat([good, Buffer.of(0)])],
    ['nothing', Buffer.alloc(0)],
  ])('%s, soundly signed, is refused', (_what, body) => {
    expect(verifyProof(signed(body), user)).toBe(false);
  });

  test('a true that is not 1 is refused', () => {
    const flag = good.indexOf('publickey') + 'publickey'.length;
    const body = Buffer.from(good);
    expect(body[flag]).toBe(1);
    body[flag] = 2;
    expect(verifyProof(signed(body), user)).toBe(false);
  });

  test.each([0, 20, 31, 33, 64])('a session id of %i bytes is refused', (size) => {
    expect(verifyProof(signed(good, randomBytes(size)), user)).toBe(false);
  });

  test('the session id can be had, for a keeper that refuses replays', () => {
    expect(sessionIdOf(signed(good).signedBlob)).toEqual(SESSION);
    expect(sessionIdOf(Buffer.from('short'))).toBeUndefined();
  });
});

describe('key and algorithm must fit', () => {
  test('ssh-rsa, which is SHA-1, is no algorithm', () => {
    expect(verifyProof(proofFor(rsa2048, 'ssh-rsa'), user)).toBe(false);
  });

  test('an rsa signature of one hash is not of the other', () => {
    const proof = proofFor(rsa2048, 'rsa-sha2-256');
    expect(verifyProof({ ...proof, algo: 'rsa-sha2-512' }, user)).toBe(false);
    const signature = join('rsa-sha2-512', rawSignature(rsa2048, 'rsa-sha2-256', proof.signedBlob));
    expect(verifyProof({ ...proof, signature }, user)).toBe(false);
  });

  test('a sound signature under an algorithm that is not the key’s is refused, whatever type is claimed', () => {
    for (const algo of ['rsa-sha2-256', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'no-such', '__proto__']) {
      const signedBlob = Buffer.concat([...sshString(SESSION), request('alice+db1', algo, ed.blob)]);
      const signature = join(algo, rawSignature(ed, ed.type, signedBlob));
      for (const keyType of [ed.type, 'ssh-rsa', algo]) {
        expect(verifyProof({ algo, keyType, keyBlob: ed.blob, signedBlob, signature }, user)).toBe(false);
      }
    }
  });

  test('a SHA-256 signature under the name of ssh-rsa is refused', () => {
    const signedBlob = Buffer.concat([...sshString(SESSION), request('alice+db1', 'ssh-rsa', rsa2048.blob)]);
    const signature = join('ssh-rsa', rawSignature(rsa2048, 'rsa-sha2-256', signedBlob));
    expect(
      verifyProof({ algo: 'ssh-rsa', keyType: 'ssh-rsa', keyBlob: rsa2048.blob, signedBlob, signature }, user),
    ).toBe(false);
  });

  test('a claimed type that is not the key’s is refused', () => {
    expect(verifyProof({ ...proofFor(ed), keyType: 'ssh-rsa' }, user)).toBe(false);
    expect(verifyProof({ ...proofFor(rsa2048, 'rsa-sha2-256'), keyType: 'rsa-sha2-256' }, user)).toBe(false);
    expect(verifyProof({ ...proofFor(ed), algo: 'rsa-sha2-256', keyType: 'ssh-rsa' }, user)).toBe(false);
    expect(verifyProof({ ...proofFor(ed), algo: '__proto__', keyType: 'ssh-ed25519' }, user)).toBe(false);
  });

  test('rsa below 2048 bits is refused, 2048 holds', () => {
    expect(verifyProof(proofFor(rsa(1024), 'rsa-sha2-256'), user)).toBe(false);
    expect(verifyProof(proofFor(rsa(2040), 'rsa-sha2-256'), user)).toBe(false);
    expect(verifyProof(proofFor(rsa(2047), 'rsa-sha2-256'), user)).toBe(false);
    expect(verifyProof(proofFor(rsa(2048), 'rsa-sha2-256'), user)).toBe(true);
  });

  test('dsa and certificates are unknown', () => {
    for (const type of ['ssh-dss', 'ssh-ed25519-cert-v01@openssh.com', 'sk-ssh-ed25519@openssh.com']) {
      expect(verifyProof({ ...proofFor(ed), algo: type, keyType: type }, user)).toBe(false);
    }
  });

  test('numbers have one form: padded r and s are refused', () => {
    const { signedBlob } = proofFor(p521);
    const both = sign('sha512', signedBlob, { key: p521.secret, dsaEncoding: 'ieee-p1363' });
    const padded = (bytes: Buffer) => Buffer.concat([Buffer.of(0, 0), mpint(bytes)]);
    const signature = join(p521.type, join(padded(both.subarray(0, 66)), padded(both.subarray(66))));
    expect(verifyProof({ ...proofFor(p521), signedBlob, signature }, user)).toBe(false);
  });

  test('a point that is not on the curve is refused', () => {
    const blob = Buffer.from(p521.blob);
    blob[blob.length - 1] = (blob.at(-1) ?? 0) ^ 1;
    const signedBlob = Buffer.concat([...sshString(SESSION), request('alice+db1', p521.type, blob)]);
    expect(verifyProof({ ...proofOver(p521, p521.type, signedBlob), keyBlob: blob }, user)).toBe(false);
  });
});

test('whatever comes, it answers false and never throws', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b));
  const algo = fc.oneof(fc.string(), fc.constantFrom(...Object.keys(HASH)));
  fc.assert(
    fc.property(algo, algo, bytes, bytes, bytes, fc.string(), (a, keyType, keyBlob, signedBlob, signature, name) => {
      return verifyProof({ algo: a, keyType, keyBlob, signedBlob, signature }, { user: name }) === false;
    }),
    { numRuns: 1000 },
  );
  const nothing = undefined as unknown as Proof;
  expect(verifyProof(nothing, user)).toBe(false);
  expect(verifyProof({ ...proofFor(ed), signature: 'text' as unknown as Buffer }, user)).toBe(false);
});
