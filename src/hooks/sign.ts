import { createHmac } from 'node:crypto';

/** The header that carries the signature. */
export const SIGNATURE_HEADER = 'sallyport-signature';

/** `t=SECONDS,v1=HEX`: HMAC-SHA256, under the secret, of the seconds since the epoch, a dot, and the body. */
export function signatureOf(secret: string, body: string, atMs: number): string {
  const t = Math.floor(atMs / 1_000);
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`;
}
