export function generateHostKey(): string {
  throw new Error('not yet');
}
export function hostKeyFingerprint(_pem: string): string {
  throw new Error('not yet');
}
