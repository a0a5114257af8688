import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** A second factor as it is stored. The secret and what recovery codes hash to never leave the keeper but to be shown once. */
export interface Factor {
  /** Base32 of 20 random bytes, as RFC 4226 asks for. */
  readonly secret: string;
  /** Wall time, ms. */
  readonly enrolledAt: number;
  /** The last time step that was used: no step is good twice, nor an earlier one afterwards (RFC 6238, 5.2). */
  readonly lastStep?: number;
  /** SHA-256 of each recovery code not used yet, hex. */
  readonly recovery: readonly string[];
}

export interface Enrolment {
  factor: Factor;
  /** `otpauth://totp/…`, for a QR code. */
  uri: string;
  /** Each good once, 80 bits, as `abcd-efgh-jkmn-pqrs`. */
  codes: string[];
}

export type Proof = { ok: true; factor: Factor; by: 'totp' | 'recovery' } | { ok: false; why: 'wrong' | 'used' };

/** RFC 6238's own defaults, which every authenticator knows: SHA-1, six digits, steps of 30 s. */
const PERIOD_S = 30;
const DIGITS = 6;
/** A code typed as its step ends, or by a clock half a minute off, still counts. Unit: steps. */
const WINDOW = 1;
const SECRET_BYTES = 20;
const CODES = 10;
const CODE_LENGTH = 16;
/** Without letters and digits that are taken for one another. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

export function enrol(user: string, issuer: string, atMs: number): Enrolment {
  const secret = new Secret({ size: SECRET_BYTES });
  const codes = Array.from({ length: CODES }, newCode);
  return {
    factor: { secret: secret.base32, enrolledAt: atMs, recovery: codes.map(hashOf) },
    uri: new TOTP({ issuer, label: user, secret, digits: DIGITS, period: PERIOD_S }).toString(),
    codes,
  };
}

/**
 * Holds what was typed against a factor: six digits, or a recovery code in any spelling. The factor of a proof that holds
 * must be stored before the proof counts, or the code could be used again.
 */
export function prove(factor: Factor, typed: string, atMs: number): Proof {
  const text = typed.replaceAll(/[\s-]/g, '').toLowerCase();
  if (/^\d{6}$/.test(text)) return proveTotp(factor, text, atMs);
  return text.length === CODE_LENGTH ? proveRecovery(factor, text) : { ok: false, why: 'wrong' };
}

function proveTotp(factor: Factor, token: string, atMs: number): Proof {
  const totp = new TOTP({ secret: Secret.fromBase32(factor.secret), digits: DIGITS, period: PERIOD_S });
  const delta = totp.validate({ token, timestamp: atMs, window: WINDOW });
  if (delta === null) return { ok: false, why: 'wrong' };
  const step = Math.floor(atMs / 1_000 / PERIOD_S) + delta;
  if (factor.lastStep !== undefined && step <= factor.lastStep) return { ok: false, why: 'used' };
  return { ok: true, factor: { ...factor, lastStep: step }, by: 'totp' };
}

function proveRecovery(factor: Factor, code: string): Proof {
  const hash = Buffer.from(hashOf(code));
  const left = factor.recovery.filter((known) => !timingSafeEqual(Buffer.from(known), hash));
  if (left.length === factor.recovery.length) return { ok: false, why: 'wrong' };
  return { ok: true, factor: { ...factor, recovery: left }, by: 'recovery' };
}

function newCode(): string {
  let code = '';
  while (code.length < CODE_LENGTH) {
    for (const byte of randomBytes(CODE_LENGTH)) {
      const letter = ALPHABET[byte & 31];
      if (letter !== undefined && code.length < CODE_LENGTH) code += letter;
    }
  }
  return code.replaceAll(/(.{4})(?=.)/g, '$1-');
}

const hashOf = (code: string) => createHash('sha256').update(code.replaceAll('-', '')).digest('hex');
