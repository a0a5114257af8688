export type { Grant, Lock, LockKind, User, UserKey } from '../store/types.js';
export { openAuthority } from './authority.js';
export { type DeadlineQuestion, deadlinesFor, type SessionDeadlines, sessionDeadlines } from './deadlines.js';
export { readPublicKeyFile } from './key-file.js';
export { parsePublicKey } from './public-key.js';
export type * from './types.js';
