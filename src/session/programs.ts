import { setImmediate } from 'node:timers/promises';
import type { EndCause } from '../core/causes.js';
import { type Clock, within } from '../core/clock.js';
import { escapeText, showArgv } from '../core/escape.js';
import { questionForExec } from '../gate/index.js';
import { phraseEnded, withApproval } from '../policy/index.js';
import type { Children, Decision, Rights } from '../policy/types.js';
import { endedMarker, type Recorder } from '../record/index.js';
import type { ExecAsk } from '../wire/guard.js';
import type { Journal } from './journal.js';
import type { Life } from './life.js';
import { createProgramTable, type Program } from './program-table.js';

/** What changed the rights, and what a session is ended with should its programs not go. */
export interface Occasion {
  /** `grant 01k… revoked` */
  because: string;
  cause: EndCause;
}

/** What runs in a session: noted when it is let go, decided again when rights change, ended when they are gone. */
export interface Programs {
  /** The word under which to decide this question now. */
  under(ask: ExecAsk): Children;
  /** Notes a question that was allowed; false when no more programs can be kept. */
  allowed(ask: ExecAsk & { approval?: string }, decision: Decision): boolean;
  /** The refusal of an exec that is still on its way, when rights shrank since its first question. */
  takenBack(ask: ExecAsk): Decision | undefined;
  /** An exec does not happen, or nothing runs these images any more. */
  over(images: readonly number[]): void;
  /** The guard has carried an order out; `images` had processes to kill. */
  ended(n: number, images: readonly number[], front: boolean): void;
  /**
   * Decides everything again and ends what has no right any more. Resolves when all of it is gone, to how many programs
   * had to end; when it does not go in time, the session ends.
   */
  again(occasion: Occasion): Promise<number>;
  get(image: number): Program | undefined;
  /** The session is over: says what of it was ended last. */
  close(): void;
}

export interface ProgramsParts {
  clock: Clock;
  life: Life;
  rights: () => Rights;
  journal: Journal;
  recorder: Recorder;
  /** Has the guard end these images; it answers with `ended`. */
  end(n: number, images: number[]): void;
  /** Holds the programs' output back while they are ended: our line comes before the next prompt. */
  hold(on: boolean): void;
  /** Tells the engineer; `front`: what ended held the terminal, and may have left it in disorder. */
  say(text: string, front: boolean): void;
}

/** How long killed programs may take to be gone. The keeper waits a second for the answer as a whole. Unit: ms. */
const GONE_MS = 900;
/** Programs decided again before others get a turn. */
const PIECE = 50;
/** Characters of a command in the records. */
const MAX_RECORDED = 1_000;
const MAX_BECAUSE = 200;

interface Order {
  programs: Map<number, Program>;
  occasion: Occasion;
  /** Resolves to how many had a process to kill. */
  done: Promise<number>;
  settle(count: number): void;
}

export function createPrograms(parts: ProgramsParts): Programs {
  const { clock, life } = parts;
  const orders = new Map<number, Order>();
  const occasions = new WeakMap<Program, Occasion>();
  let lastOrder = 0;
  const table = createProgramTable((asked, children) =>
    withApproval(parts.rights(), asked.approval).decide(questionForExec({ ...asked, children }), clock.now()),
  );

  const order = (programs: readonly Program[], occasion: Occasion): Order => {
    lastOrder += 1;
    const n = lastOrder;
    let settle = (_: number) => {};
    const done = new Promise<number>((resolve) => {
      settle = resolve;
    });
    const made = { programs: new Map(programs.map((p) => [p.id, p])), occasion, done, settle };
    orders.set(n, made);
    for (const program of programs) occasions.set(program, occasion);
    parts.hold(true);
    parts.end(n, [...made.programs.keys()]);
    return made;
  };

  const finish = (n: number, { programs, occasion, settle }: Order, images: readonly number[], front: boolean) => {
    orders.delete(n);
    tell(
      images.flatMap((id) => programs.get(id) ?? []),
      occasion,
      front,
      parts,
    );
    if (orders.size === 0) parts.hold(false);
    settle(images.length);
  };

  const late = (images: readonly number[]) => {
    for (const id of images) {
      const program = table.get(id);
      const occasion = program && occasions.get(program);
      if (occasion) tell([program], occasion, false, parts);
    }
  };

  return {
    under: table.under,
    allowed: (ask, decision) => table.add(ask, decision, clock.now()),
    takenBack: (ask) => table.get(ask.image)?.refused,
    over: table.drop,
    ended(n, images, front) {
      const known = orders.get(n);
      if (known) finish(n, known, images, front);
      else if (n === 0) late(images);
    },
    async again(occasion) {
      const mine: Order[] = [];
      for (const gone of table.again(PIECE)) {
        if (life.ending !== undefined) return 0;
        if (gone.length > 0) mine.push(order(gone, occasion));
        await setImmediate();
      }
      const all = [...orders.values()].map((o) => o.done);
      const inTime = await within(clock, Promise.race([Promise.all(all), life.over]), GONE_MS);
      if (!inTime) life.end({ cause: occasion.cause, reason: 'a program whose rights ended could not be ended' });
      if (life.ending !== undefined) return 0;
      return (await Promise.all(mine.map((o) => o.done))).reduce((a, b) => a + b, 0);
    },
    get: table.get,
    close() {
      for (const [n, known] of [...orders]) {
        const exited = life.ending?.cause === 'exit';
        finish(n, known, exited ? [...known.programs.keys()] : [], false);
      }
      parts.hold(false);
    },
  };
}

/** Writes each down, and shows one line for all. */
function tell(programs: readonly Program[], occasion: Occasion, front: boolean, parts: ProgramsParts): void {
  const [first] = programs;
  if (!first?.refused) return;
  const ended = escapeText(occasion.because, MAX_BECAUSE);
  for (const { parts: asked, refused } of programs) {
    const command = showArgv(asked[0]?.argv ?? [], MAX_RECORDED);
    const rule = refused?.rule === undefined ? {} : { rule: refused.rule.id };
    const event = parts.journal.add({
      gate: 'exec',
      command,
      allow: false,
      why: refused?.why ?? 'error',
      ...rule,
      ended,
    });
    void parts.recorder.marker(endedMarker({ ...event, ended }));
  }
  const shown = programs.map((program) => showArgv(program.parts[0]?.argv ?? []));
  parts.say(phraseEnded(shown, first.refused, occasion.because), front);
}
