import type { Proof } from './types.js';

/** `expected.user` is the full login name as sent: `alice+db1`. True only for a valid proof; never throws. */
export function verifyProof(_proof: Proof, _expected: { user: string }): boolean {
  return false;
}

/** The session id a signed blob is bound to; a keeper may refuse one it has seen. Undefined when malformed. */
export function sessionIdOf(_signedBlob: Buffer): Buffer | undefined {
  return undefined;
}
