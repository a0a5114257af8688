export { elsewhere } from './held/offer.js';
export { createLiveRights, EXEC_QUESTION, type LiveRights, LOGIN_QUESTION, SESSION_QUESTION } from './live-rights.js';
export type { ClientPort, OutputStream, ProgramPort, SupervisorPort } from './ports.js';
export { openSession, type Session, type SessionEnd, type SessionSetup, type Started } from './session.js';
export { createWheel, type Wheel } from './wheel.js';
