/** What a session needs from its surroundings, so that it knows neither ssh nor ptys nor other processes. */
import type { Children } from '../policy/types.js';
import type { DecisionEvent, Proved, Review } from '../wire/types.js';
import type { ExitStatus } from './life.js';

export type OutputStream = 'out' | 'err';

/** The person's side: one ssh channel. */
export interface ClientPort {
  onInput(fn: (chunk: Buffer) => void): void;
  onInputEnd(fn: () => void): void;
  pauseInput(): void;
  resumeInput(): void;
  /** False: hold back until onDrain. The bytes are taken either way. */
  writeOut(chunk: Buffer): boolean;
  writeErr(chunk: Buffer): boolean;
  onDrain(fn: () => void): void;
  /** What is sent meanwhile leaves in one write. */
  together(sends: () => void): void;
  /** Called when the client has said that what was written so far reached it, before what it said next; perhaps never. */
  reached(fn: () => void): void;
  /** Bytes taken and not yet on the network. */
  buffered(): number;
  onResize(fn: (cols: number, rows: number) => void): void;
  onClose(fn: () => void): void;
  exit(status: ExitStatus): void;
  close(): void;
  destroy(): void;
}

/** The programs' side: a pty, or three pipes. */
export interface ProgramPort {
  onOutput(fn: (chunk: Buffer, stream: OutputStream) => void): void;
  /** False: hold back until onDrain; the bytes are queued (bounded) either way. */
  write(chunk: Buffer): boolean;
  onDrain(fn: () => void): void;
  endInput(): void;
  pauseOutput(): void;
  resumeOutput(): void;
  resize(cols: number, rows: number): void;
  /** After every process of the session is gone: emits what is left, to the last byte. */
  drain(): Promise<void>;
  /** Drops queued input, closes the descriptors. Idempotent. */
  close(): void;
}

/** Guard and keeper, as a session sees them. */
export interface SupervisorPort {
  /** Ends every process of the session. */
  end(): void;
  /** Ends the programs of these images; the answer comes with the order's number. */
  endPrograms(n: number, images: number[]): void;
  verdict(q: number, allow: boolean, children: Children): void;
  /** Has the guard keep the process of this question waiting; it answers with `held`, and tells when it is gone. */
  hold(q: number): void;
  /** Has the keeper look at what was typed; without it, only whether it would look. Rights follow before the answer. */
  prove(typed?: string): Promise<Proved>;
  /** Asks others for an approval; what they say comes under the id. Nobody is asked without one. */
  ask(review: Review): Promise<{ id?: string; refusal?: string }>;
  /** Nobody waits for it any more. */
  withdraw(id: string): void;
  /** Resolves when no process of the session is left. */
  readonly gone: Promise<void>;
  decisions(events: DecisionEvent[]): void;
}
