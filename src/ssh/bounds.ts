/** Every bound of the network side that is not a limit the configuration sets. Bytes unless a name says otherwise. */

/** RFC 4253 4.2: the identification line, line end included. */
export const MAX_IDENT = 255;

/** A packet a client sends, as OpenSSH bounds it: a command comes in one. */
export const MAX_PACKET = 256 * 1024;

/** Channel data waits while the socket holds this much: a client that grants a huge window and stops reading costs no more. */
export const SOCKET_HIGH_WATER = 1024 * 1024;

/** Answers and notices come on top of channel data. A client that makes us owe it this much and does not read is cut off. */
export const SOCKET_HARD_LIMIT = 2 * SOCKET_HIGH_WATER;

/** Answers held back while keys are exchanged. */
export const MAX_HELD_REPLIES = 256;

/** What a client may send on a channel before it is read: OpenSSH's own default, enough for a long fat pipe. */
export const CHANNEL_WINDOW = 2 * 1024 * 1024;

/** Largest data packet either way (RFC 4253 6.1 demands support for 32 KiB). */
export const CHANNEL_PACKET = 32 * 1024;

/** A smaller maximum would make us spend a whole packet on every few bytes; 0 would loop for ever. */
export const MIN_PACKET = 256;

/** A channel's writes say false from here, and may go on below CHANNEL_LOW_WATER. */
export const CHANNEL_HIGH_WATER = 256 * 1024;
export const CHANNEL_LOW_WATER = 64 * 1024;

/** A writer that does not heed false loses its channel. */
export const CHANNEL_HARD_LIMIT = 16 * 1024 * 1024;

export const MAX_ENV_COUNT = 32;
export const MAX_ENV_VALUE = 4096;

/** Terminal sizes beyond this are nonsense that programs pay for. Cells. */
export const MAX_CELLS = 4096;

/** Authentication requests held while one is being decided. */
export const MAX_PENDING_AUTHS = 8;

/** A no to an unsigned query comes at the next multiple of this after the query came, whatever the lookup cost. ms */
export const PROBE_GRID_MS = 10;

/** The same for a signed attempt, whatever verification and admission cost. ms */
export const REFUSAL_GRID_MS = 100;

/** How early or late a timer may fire; the rest of a wait is spent in turns of the event loop. ms */
export const TIMER_GRAIN_MS = 1;

/** What a goodbye gets to leave the socket before it is cut. ms */
export const LINGER_MS = 1000;

/** A client may ask for new keys this often in REKEY_SPAN_MS; each costs us a signature. */
export const MAX_CLIENT_REKEYS = 10;
export const REKEY_SPAN_MS = 60_000;

export const LIMIT_DEFAULTS = {
  maxUnauthBytes: 256 * 1024,
  authProbes: 64,
  rekeyBytes: 1024 ** 3,
  rekeyMs: 3_600_000,
  kexMs: 30_000,
  keepaliveMs: 60_000,
  keepaliveTries: 5,
  closeStallMs: 10_000,
};
