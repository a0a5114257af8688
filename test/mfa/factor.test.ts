import fc from 'fast-check';
import { Secret, TOTP } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { createLimiter, enrol, type Factor, prove } from '../../src/mfa/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

const AT = Date.parse('2026-11-23T12:00:10Z');
const STEP = 30_000;
const codeAt = (factor: Factor, at: number) =>
  new TOTP({ secret: Secret.fromBase32(factor.secret) }).generate({ timestamp: at });

/** RFC 6238, appendix B, SHA-1: the last six of the eight digits. */
const RFC_SECRET = new Secret({ buffer: new TextEncoder().encode('12345678901234567890').buffer as ArrayBuffer })
  .base32;
const RFC = [
  [59, '287082'],
  [1111111109, '081804'],
  [1111111111, '050471'],
  [1234567890, '005924'],
  [2000000000, '279037'],
  [20000000000, '353130'],
] as const;

describe('a code', () => {
  it.each(RFC)('at %d s is %s, as RFC 6238 has it', (seconds, code) => {
    const factor = { secret: RFC_SECRET, enrolledAt: 0, recovery: [] };
    expect(prove(factor, code, seconds * 1000)).toMatchObject({ ok: true, by: 'totp' });
  });

  it('holds in its own step and the ones beside it, and no further', () => {
    const { factor } = enrol('alice', 'sallyport', AT);
    for (const off of [-1, 0, 1]) expect(prove(factor, codeAt(factor, AT + off * STEP), AT).ok).toBe(true);
    for (const off of [-2, 2, 100]) {
      const code = codeAt(factor, AT + off * STEP);
      if ([-1, 0, 1].every((near) => codeAt(factor, AT + near * STEP) !== code))
        expect(prove(factor, code, AT)).toEqual({ ok: false, why: 'wrong' });
    }
  });

  it('is good once, and none before it is good afterwards', () => {
    const { factor } = enrol('alice', 'sallyport', AT);
    const code = codeAt(factor, AT);
    const first = prove(factor, code, AT);
    expect(first.ok).toBe(true);
    if (!first.ok) return;
    expect(prove(first.factor, code, AT)).toEqual({ ok: false, why: 'used' });
    expect(prove(first.factor, codeAt(factor, AT - STEP), AT)).toEqual({ ok: false, why: 'used' });
    expect(prove(first.factor, codeAt(factor, AT + STEP), AT).ok).toBe(true);
  });

  it('may be typed with spaces', () => {
    const { factor } = enrol('alice', 'sallyport', AT);
    const code = codeAt(factor, AT);
    expect(prove(factor, ` ${code.slice(0, 3)} ${code.slice(3)}\n`, AT).ok).toBe(true);
  });

  it('is never anything else', () => {
    const { factor, codes } = enrol('alice', 'sallyport', AT);
    const good = new Set([-1, 0, 1].map((off) => codeAt(factor, AT + off * STEP)));
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: 'binary' }), (text) => {
        if (!good.has(text.trim()) && !codes.includes(text)) expect(prove(factor, text, AT).ok).toBe(false);
      }),
    );
  });
});

describe('a recovery code', () => {
  it('is good once, in any spelling, and the others stay', () => {
    const { factor, codes } = enrol('alice', 'sallyport', AT);
    expect(new Set(codes).size).toBe(10);
    const [code = ''] = codes;
    expect(code).toMatch(/^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/);
    const proof = prove(factor, code.replaceAll('-', ' ').toUpperCase(), AT);
    expect(proof).toMatchObject({ ok: true, by: 'recovery' });
    if (!proof.ok) return;
    expect(prove(proof.factor, code, AT)).toEqual({ ok: false, why: 'wrong' });
    expect(proof.factor.recovery).toHaveLength(9);
  });

  it('is not what is stored', () => {
    const { factor, codes } = enrol('alice', 'sallyport', AT);
    expect(JSON.stringify(factor)).not.toContain(codes[0]);
    expect(JSON.stringify(factor)).not.toContain(codes[0]?.replaceAll('-', ''));
  });
});

describe('an enrolment', () => {
  it('has a secret of 160 bits and a URI that authenticators read', () => {
    const { factor, uri } = enrol('alice', 'bastion.example', AT);
    expect(factor.secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(uri).toMatch(/^otpauth:\/\/totp\/bastion\.example:alice\?/);
    expect(new URL(uri).searchParams.get('secret')).toBe(factor.secret);
  });
});

describe('guessing', () => {
  it('is looked at five times in five minutes, by user', () => {
    const clock = new FakeClock();
    const limiter = createLimiter(clock);
    for (let i = 0; i < 5; i += 1) {
      expect(limiter.wait('alice')).toBe(0);
      limiter.wrong('alice');
    }
    expect(limiter.wait('alice')).toBe(300_000);
    expect(limiter.wait('bob')).toBe(0);
    clock.advance(300_000);
    expect(limiter.wait('alice')).toBe(0);
    limiter.wrong('alice');
    limiter.right('alice');
    for (let i = 0; i < 4; i += 1) limiter.wrong('alice');
    expect(limiter.wait('alice')).toBe(0);
  });
});
