import type { Remedy } from '../../policy/index.js';
import { heldMarker } from '../../record/index.js';
import type { Answered } from '../../wire/types.js';
import { askApproval } from './approval.js';
import { askFactor } from './factor.js';
import type { Asking, HeldParts, Offer, Outcome } from './offer.js';

/** What is held for its person, one thing at a time. */
export interface Held {
  /** Asks, and settles the offer some time later; undefined where nothing can be asked now. */
  offer(offer: Offer): { drop(): void } | undefined;
  /** Something is held. */
  readonly busy: boolean;
  /** Something could be asked now. */
  readonly ready: boolean;
  /** Nothing is, until something is typed. */
  readonly quiet: boolean;
  /** The keeper looks at a code: rights that change now are no news. */
  readonly proving: boolean;
  /** Enter reached the programs: what is asked for now was typed, or comes of it. */
  entered(): void;
  /** Rights changed. */
  again(): void;
  /** What was said of a request. */
  answered(answer: Answered): void;
}

export function createHeld(parts: HeldParts): Held {
  const { life, console, recorder } = parts;
  let current: Offer | undefined;
  /** Nothing is asked before something was typed, nor after a no until something is typed again: a loop asks once. */
  let quiet = !parts.typed;

  let proving = false;
  /** Of the one request that may wait. */
  const answers = new Map<string, Answered>();
  const prove: HeldParts['prove'] = async (typed) => {
    proving = true;
    try {
      return await parts.prove(typed);
    } finally {
      proving = false;
    }
  };

  /** Asks for one thing after the other until nothing is lacking, or nothing more comes. */
  const converse = async (offer: Offer): Promise<Outcome> => {
    const note = noteOf(offer, recorder);
    const gone = () => current !== offer || life.ending !== undefined;
    const asking: Asking = { ...parts, prove, offer, note, answers, gone };
    const brought = new Set<Remedy>();
    note('held');
    for (;;) {
      const lacks = gone() ? undefined : offer.lacks();
      if (lacks === 'nothing') return { go: true };
      const first = lacks?.[0];
      if (first === undefined || brought.has(first)) return { go: false };
      const heard = await askFor(first, asking);
      if (typeof heard !== 'string') return heard;
      if (heard === 'brought') noteBrought(brought, first);
    }
  };
  const run = async (offer: Offer) => {
    console.begin();
    answers.clear();
    let outcome: Outcome = { go: false };
    try {
      outcome = await converse(offer);
    } catch {
      // Nobody to ask the keeper: refused as it would have been.
    }
    if (current === offer) {
      quiet ||= !outcome.go;
      current = undefined;
      offer.settle(outcome);
    }
    console.finish();
  };
  const isReady = () => current === undefined && !quiet && life.ending === undefined && parts.canAsk();
  void life.over.then(() => console.interrupt());

  return {
    offer(offer) {
      const lacks = offer.lacks();
      if (!isReady()) return undefined;
      if (lacks === 'nothing' || lacks === undefined) return undefined;
      current = offer;
      void run(offer);
      return {
        drop() {
          if (current !== offer) return;
          current = undefined;
          console.interrupt();
        },
      };
    },
    get busy() {
      return current !== undefined;
    },
    get ready() {
      return isReady();
    },
    get proving() {
      return proving;
    },
    get quiet() {
      return quiet;
    },
    entered() {
      quiet = false;
    },
    answered(answer) {
      if (!current) return;
      answers.set(answer.id, answer);
      console.interrupt();
    },
    again() {
      if (current && current.lacks() !== undefined && current.lacks() !== 'nothing') return;
      if (current) console.interrupt();
    },
  };
}

function noteOf(offer: Offer, recorder: HeldParts['recorder']): Asking['note'] {
  const rule = offer.decision?.rule?.id;
  const about = { gate: offer.gate, ...(rule === undefined ? {} : { rule }) };
  return (step, more = {}) => void recorder.marker(heldMarker(step, offer.text, { ...about, ...more }));
}

const askFor = (remedy: Remedy, asking: Asking) => (remedy === 'mfa' ? askFactor(asking) : askApproval(asking));

/** While somebody was waited for, a factor may have grown old: it may be asked for once more. */
function noteBrought(brought: Set<Remedy>, remedy: Remedy): void {
  if (remedy === 'approval') brought.clear();
  brought.add(remedy);
}
