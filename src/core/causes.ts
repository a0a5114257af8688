/** Why a session ended. `exit` and `disconnected` appear in records only; the rest also on the terminal. */
export const END_CAUSES = [
  'idle',
  'deadline',
  'revoked',
  'locked',
  'killed',
  'context',
  'credential',
  'recording',
  'shutdown',
  'crashed',
  'exit',
  'disconnected',
] as const;

export type EndCause = (typeof END_CAUSES)[number];

/** What the client is told when a session is ended for it rather than by it. */
export const ENDED_STATUS = 254;

/** What a refused exec, sftp or forward reports. */
export const REFUSED_STATUS = 126;
