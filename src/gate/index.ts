export { questionForExec } from './exec.js';
export { decideCommandLine, decideLine, phraseRefusal } from './line.js';
export {
  type HeldEnd,
  type HeldEvent,
  type HeldLine,
  type LineDecider,
  type LineEvent,
  type LineGate,
  type LineGateOptions,
  openLineGate,
} from './line-gate.js';
export { createLookup } from './lookup.js';
export { type FileInfo, type FileView, type Identity, resolveProgram } from './trust.js';
export type { ExecAsk, GateMode, LineContext, LineVerdict, Lookup } from './types.js';
