import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { loadInternals } from '../../src/ssh/internals.js';

const real = createRequire(import.meta.url);

test('the ssh2 that is installed is the one the door knows', () => {
  expect(() => loadInternals(real)).not.toThrow();
});

test('so is one that takes a packet of any other length', () => {
  class Short extends real('ssh2/lib/protocol/crypto.js').NullDecipher {
    decrypt(data: Buffer): void {
      if (data.readUInt32BE(0) > 35_000) throw new Error('Bad packet length');
    }
  }
  const crypto = { ...real('ssh2/lib/protocol/crypto.js'), NullDecipher: Short };
  const changed = (id: string) => (id.endsWith('crypto.js') ? crypto : real(id));
  expect(() => loadInternals(changed)).toThrow(/not as published/);
});

test('any other version is refused, with what to run', () => {
  const other = (id: string) => (id === 'ssh2/package.json' ? { version: '1.18.0' } : real(id));
  expect(() => loadInternals(other)).toThrow(/ssh2 1\.18\.0 is installed.*npm install ssh2@1\.17\.0/);
});

test.each(['_packetRW', '_onHandshakeComplete', '_onPayload', 'rekey'])(
  'so is one whose Protocol has no %s',
  (name) => {
    const Protocol = real('ssh2/lib/protocol/Protocol.js');
    class Changed extends Protocol {
      constructor(config: unknown) {
        super(config);
        Object.assign(this, { [name]: undefined });
      }
    }
    const changed = (id: string) => (id.endsWith('Protocol.js') ? Changed : real(id));
    expect(() => loadInternals(changed)).toThrow();
  },
);

test.each(['handlers', 'utils', 'keyParser', 'crypto'])('or whose %s are empty', (name) => {
  const changed = (id: string) => (id.endsWith(`${name}.js`) ? {} : real(id));
  expect(() => loadInternals(changed)).toThrow(/not as published; run: npm ci/);
});
