import { showArgv } from '../../core/escape.js';
import type { Remedy } from '../../policy/index.js';
import type { Decision, Question } from '../../policy/types.js';
import type { ExecAsk } from '../../wire/guard.js';
import type { SupervisorPort } from '../ports.js';
import type { Held } from './held.js';
import type { OfferMemory } from './memory.js';
import { elsewhere } from './offer.js';

/** Execs that wait behind the one that is asked about: of a pipeline, all. */
const MAX_BEHIND = 16;
/** Characters of what is asked about. */
const MAX_TEXT = 16_384;

/** One refused exec. `end` decides it anew; the half sentence is for a refusal. */
export interface HeldExec {
  decide(): Decision;
  lacks(): readonly Remedy[] | undefined;
  question(): Question;
  approve(by: string): void;
  end(help?: string): void;
}

/** Execs that wait for their person. */
export interface HeldExecs {
  /** True: it is held, and ended later. Else refused, with this to say if anything. */
  hold(ask: ExecAsk, exec: HeldExec): true | string | undefined;
  /** The guard keeps its process waiting; or that has left the foreground, and the terminal is another's to ask at. */
  held(q: number, front: boolean): void;
  /** Its process is gone. */
  lost(q: number): void;
  /** Rights changed: who waits behind another may need nothing any more. */
  again(): void;
}

export interface HeldExecsParts {
  held: Held;
  supervisor: Pick<SupervisorPort, 'hold'>;
  memory: OfferMemory;
  pty: boolean;
}

interface Entry {
  ask: ExecAsk;
  exec: HeldExec;
  /** The guard has said that it waits. */
  kept: boolean;
  drop?(): void;
}

const isSame = (a: ExecAsk, b: ExecAsk) => a.pid === b.pid && a.argv.join('\0') === b.argv.join('\0');

export function createHeldExecs({ held, supervisor, memory, pty }: HeldExecsParts): HeldExecs {
  const entries = new Map<number, Entry>();
  /** The one that is, or is to be, asked about. */
  let first: Entry | undefined;
  /** The exec that was refused last: the same process may look for the same program in another directory of its PATH. */
  let refused: ExecAsk | undefined;

  const next = () => {
    first = undefined;
    for (const entry of [...entries.values()].filter(({ kept }) => kept)) finish(entry);
  };
  const finish = (entry: Entry, help?: string) => {
    entries.delete(entry.ask.q);
    entry.exec.end(help);
  };
  const ask = (entry: Entry) => {
    const { exec } = entry;
    const text = showArgv(entry.ask.argv, MAX_TEXT);
    const asked = held.offer({
      gate: 'exec',
      text,
      subject: showArgv(entry.ask.argv),
      decision: exec.decide(),
      lacks: () => (exec.decide().allow ? 'nothing' : exec.lacks()),
      questions: () => [exec.question()],
      approve: exec.approve,
      settle(outcome) {
        refused = outcome.go ? undefined : entry.ask;
        finish(entry, outcome.go ? undefined : outcome.help);
        next();
      },
    });
    if (asked) entry.drop = asked.drop;
    else {
      finish(entry);
      next();
    }
  };

  const mayAsk = (about: ExecAsk) => {
    if (refused && isSame(refused, about)) return false;
    return memory.mayAsk(showArgv(about.argv, MAX_TEXT), about.fromShell ? about.program.names : undefined);
  };
  /** Behind another: of a pipeline, all go with one code. */
  const mayWait = (lacks: readonly Remedy[]) => entries.size < MAX_BEHIND && !lacks.includes('approval');

  return {
    hold(about, exec) {
      const lacks = exec.lacks();
      if (lacks === undefined) return undefined;
      if (!pty) return elsewhere(lacks, 'terminal');
      const behind = first !== undefined || held.busy;
      if (!behind && !held.ready) return held.quiet ? undefined : elsewhere(lacks, 'foreground');
      if (behind ? !mayWait(lacks) : !mayAsk(about)) return undefined;
      const entry = { ask: about, exec, kept: false };
      entries.set(about.q, entry);
      if (!behind) first = entry;
      supervisor.hold(about.q);
      return true;
    },
    held(q, front) {
      const entry = entries.get(q);
      if (!entry) return;
      entry.kept = true;
      if (entry === first && front) return entry.drop ? undefined : ask(entry);
      entry.drop?.();
      if (entry !== first && (first !== undefined || held.busy)) return;
      const lacks = entry.exec.lacks();
      finish(entry, front || lacks === undefined ? undefined : elsewhere(lacks, 'foreground'));
      if (entry === first) next();
    },
    again() {
      for (const entry of [...entries.values()])
        if (entry.kept && entry !== first && entry.exec.decide().allow) finish(entry);
    },
    lost(q) {
      const entry = entries.get(q);
      entries.delete(q);
      entry?.drop?.();
      if (entry && entry === first) next();
    },
  };
}
