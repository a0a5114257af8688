/** Message numbers (RFC 4250 4.1) that the door reads or writes. */
export const MSG = {
  DISCONNECT: 1,
  IGNORE: 2,
  UNIMPLEMENTED: 3,
  DEBUG: 4,
  SERVICE_REQUEST: 5,
  SERVICE_ACCEPT: 6,
  EXT_INFO: 7,
  KEXINIT: 20,
  USERAUTH_REQUEST: 50,
  USERAUTH_FAILURE: 51,
  USERAUTH_SUCCESS: 52,
  USERAUTH_PK_OK: 60,
  /** The same number, in another method (RFC 4256). */
  USERAUTH_INFO_REQUEST: 60,
  USERAUTH_INFO_RESPONSE: 61,
  GLOBAL_REQUEST: 80,
  REQUEST_SUCCESS: 81,
  REQUEST_FAILURE: 82,
  CHANNEL_OPEN: 90,
  CHANNEL_OPEN_CONFIRMATION: 91,
  CHANNEL_OPEN_FAILURE: 92,
  CHANNEL_WINDOW_ADJUST: 93,
  CHANNEL_DATA: 94,
  CHANNEL_EXTENDED_DATA: 95,
  CHANNEL_EOF: 96,
  CHANNEL_CLOSE: 97,
  CHANNEL_REQUEST: 98,
  CHANNEL_SUCCESS: 99,
  CHANNEL_FAILURE: 100,
} as const;

/** Reasons in DISCONNECT (RFC 4250 4.2.2). */
export const BYE = {
  PROTOCOL_ERROR: 2,
  SERVICE_NOT_AVAILABLE: 7,
  BY_APPLICATION: 11,
  NO_MORE_AUTH_METHODS: 14,
} as const;

/** Reasons in CHANNEL_OPEN_FAILURE (RFC 4250 4.3.2). */
export const OPEN_REFUSED = { PROHIBITED: 1, UNKNOWN_TYPE: 3, RESOURCE_SHORTAGE: 4 } as const;

/** Signature algorithms accepted from users, and the key type each needs. */
export const KEY_TYPE_OF: ReadonlyMap<string, string> = new Map([
  ['ssh-ed25519', 'ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
  ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
  ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'ssh-rsa'],
  ['rsa-sha2-256', 'ssh-rsa'],
]);

/** RFC 4254 6.10, and the two that users of terminals know besides. */
export const SIGNALS: ReadonlySet<string> = new Set([
  ...['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2'],
]);
