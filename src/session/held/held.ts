import type { Remedy } from '../../policy/index.js';
import { heldMarker } from '../../record/index.js';
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
}

export function createHeld(parts: HeldParts): Held {
  const { life, console, recorder } = parts;
  let current: Offer | undefined;
  /** Nothing is asked before something was typed, nor after a no until something is typed again: a loop asks once. */
  let quiet = !parts.typed;

  let proving = false;
  const prove: HeldParts['prove'] = async (typed) => {
    proving = true;
    try {
      return await parts.prove(typed);
    } finally {
      proving = false;
    }
  };

  const converse = async (offer: Offer): Promise<Outcome> => {
    const note: Asking['note'] = (step, more = {}) => {
      const rule = offer.decision?.rule?.id;
      void recorder.marker(heldMarker(step, offer.text, { gate: offer.gate, ...(rule ? { rule } : {}), ...more }));
    };
    const asking: Asking = { ...parts, prove, offer, note };
    const asked = new Set<Remedy>();
    note('held');
    for (;;) {
      const lacks = current === offer && life.ending === undefined ? offer.lacks() : undefined;
      if (lacks === 'nothing') return { go: true };
      const [first] = lacks ?? [];
      if (first === undefined || asked.has(first)) return { go: false };
      const heard = await askFactor(asking);
      if (heard === 'brought') asked.add(first);
      else if (heard !== 'changed') return heard;
    }
  };
  const run = async (offer: Offer) => {
    console.begin();
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
      if (lacks === 'nothing' || lacks?.[0] !== 'mfa' || lacks.length > 1) return undefined;
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
    again() {
      if (current && current.lacks() !== undefined && current.lacks() !== 'nothing') return;
      if (current) console.interrupt();
    },
  };
}
