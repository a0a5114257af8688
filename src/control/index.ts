/** What the keeper needs of this room. */
export type { AdminPort, Caller, Reply, Request, Verb } from './admin-port.js';
export type { Broker, OperationsOptions } from './deps.js';
export { type HomePaths, homePaths } from './home.js';
export type { DoorInfo, Effect, Live, SessionDetail } from './live.js';
export { createOperations } from './operations.js';
export { type LoadedPolicy, loadPolicy } from './policy-files.js';
export type { ControlServer } from './server.js';
export { VERSION } from './version.js';
