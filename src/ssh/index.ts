export { createSshDoor } from './door.js';
export { generateHostKey, hostKeyFingerprint } from './host-key.js';
export { DEFAULT_TARGET, type LoginName, parseLoginName } from './login-name.js';
export type {
  ExitStatus,
  Login,
  OfferedKey,
  Proof,
  PtyRequest,
  SessionChannel,
  SessionRequest,
  SshConnection,
  SshDoor,
  SshDoorOptions,
  SshHooks,
  SshLimits,
} from './types.js';
export { sessionIdOf, verifyProof } from './verify.js';
