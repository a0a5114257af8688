export type { AccessRequest, Grant, Lock, LockKind, SetFact, User, UserKey } from '../store/types.js';
export { ownRequest, stateOf as requestStateOf } from './acts-requests.js';
export { openAuthority } from './authority.js';
export type { KnownFact } from './context.js';
export { type DeadlineQuestion, deadlinesFor, type SessionDeadlines, sessionDeadlines } from './deadlines.js';
export { readPublicKeyFile } from './key-file.js';
export { parsePublicKey } from './public-key.js';
export type { FactValues, FeedUpdate } from './told-facts.js';
export type * from './types.js';
