export type { OutputStream, ProgramIo } from './flow.js';
export { INPUT_HIGH, INPUT_MAX } from './flow.js';
export { openMaster } from './master.js';
export { openPipes } from './pipes.js';
