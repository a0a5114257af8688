import type { Clock } from '../../core/clock.js';
import type { Recorder } from '../../record/index.js';
import type { Life } from '../life.js';
import type { ClientPort, SupervisorPort } from '../ports.js';
import type { Screen } from '../screen.js';
import type { Voice } from '../voice.js';
import { type Approvals, createApprovals } from './approvals.js';
import { createConsole, type HeldConsole } from './console.js';
import { createHeldExecs, type HeldExecs } from './execs.js';
import { createHeld, type Held } from './held.js';
import { createOfferMemory } from './memory.js';

export type { Held } from './held.js';

/** What a session asks its person before it refuses. */
export interface Asking {
  held: Held;
  execs: HeldExecs;
  approvals: Approvals;
  console: HeldConsole;
  /** The shell accepted this line; undefined: Enter was pressed, and no more is known. */
  accepted(line: string | undefined): void;
}

export interface AskingParts {
  clock: Clock;
  life: Life;
  recorder: Recorder;
  supervisor: SupervisorPort;
  client: ClientPort;
  screen: Screen;
  voice: Voice;
  pty: boolean;
  /** What runs first was typed: the command of `ssh -t host command`. */
  typed: boolean;
  /** Shows bytes where the cursor is. */
  send(bytes: Buffer): void;
  /** Hands bytes to the programs. */
  deliver(bytes: Buffer): void;
}

export function createAsking(parts: AskingParts): Asking {
  const { clock, life, recorder, supervisor, client, screen, voice, pty } = parts;
  const console = createConsole({
    clock,
    open: voice.ask,
    pose(text, reached) {
      // In one write, the client has answered before it shows the question: what comes then may be meant for it.
      client.together(() => {
        voice.ask(text);
        client.reached(reached);
      });
    },
    send: (text) => parts.send(Buffer.from(text)),
    deliver: parts.deliver,
  });
  const held = createHeld({
    clock,
    life,
    console,
    recorder,
    prove: (typed) => supervisor.prove(typed),
    ask: (review) => supervisor.ask(review),
    withdraw: (id) => supervisor.withdraw(id),
    canAsk: () => pty && !screen.full,
    typed: parts.typed,
  });
  const approvals = createApprovals();
  const memory = createOfferMemory();
  return {
    held,
    execs: createHeldExecs({ held, supervisor, memory, pty }),
    console,
    approvals,
    accepted(line) {
      memory.accepted(line);
      approvals.accepted();
    },
  };
}
