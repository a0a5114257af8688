import { Secret, TOTP } from 'otpauth';
import type { TestBroker } from './broker.js';

/** A person's authenticator. */
export interface TestFactor {
  /** The code of this step, or of one beside it; a step whose code was used is over for good. */
  code(steps?: number): string;
  recoveryCodes: string[];
  secret: string;
}

/** Gives a second factor in place of any before: no code of the new one was used. */
export async function enrol(broker: TestBroker, user: string): Promise<TestFactor> {
  const { uri, recoveryCodes } = await broker.json<{ uri: string; recoveryCodes: string[] }>(
    'user',
    'mfa',
    'enroll',
    user,
  );
  const secret = new URL(uri).searchParams.get('secret') ?? '';
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  return { code: (steps = 0) => totp.generate({ timestamp: Date.now() + steps * 30_000 }), recoveryCodes, secret };
}
