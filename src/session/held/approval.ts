import { createHash } from 'node:crypto';
import { escapeText } from '../../core/escape.js';
import { MAX_REVIEWED } from '../../wire/asks.js';
import type { Answered } from '../../wire/types.js';
import type { Brought } from './factor.js';
import { type Asking, needs, type Outcome } from './offer.js';

/** Characters of what somebody says, and of their name. */
const SHOWN = 200;

/** Asks whether to ask somebody else, and waits for what they say. */
export async function askApproval(asking: Asking): Promise<Brought> {
  const { offer, console, note } = asking;
  const question = `${needs(offer, "another person's approval")} Your reason, to ask for it (Enter: do not ask): `;
  const heard = await console.ask(question, false);
  if (heard === 'interrupted') return 'changed';
  const reason = heard === 'withdrawn' ? '' : heard.typed.trim();
  if (reason === '' || /^no?$/i.test(reason)) {
    note('withdrawn');
    return { go: false };
  }
  const asked = await asking.ask({ ...reviewed(offer.text), ...whatFor(asking), reason });
  if (asked.id === undefined)
    return { go: false, help: `nobody could be asked: ${escapeText(asked.refusal ?? 'no answer', SHOWN)}` };
  note('asked', { id: asked.id });
  return await answerTo(asked.id, asking);
}

async function answerTo(id: string, asking: Asking): Promise<Brought> {
  const { console, offer, note } = asking;
  for (;;) {
    const heard = asking.answers.get(id) ? 'interrupted' : await console.wait(waiting(id));
    const answer = asking.answers.get(id);
    asking.answers.delete(id);
    if (answer) return told(answer, asking);
    const lacks = asking.gone() ? undefined : offer.lacks();
    if (heard !== 'withdrawn' && lacks !== 'nothing' && lacks !== undefined) continue;
    asking.withdraw(id);
    note('withdrawn', { id });
    return heard === 'withdrawn' ? { go: false } : 'changed';
  }
}

const waiting = (id: string) => `sallyport: waiting for approval ${id}: Ctrl-C withdraws `;

function told({ id, ok, by, why }: Answered, { console, offer, note }: Asking): Brought {
  const who = by === undefined ? {} : { by };
  const said = escapeText(why ?? '', SHOWN);
  if (!ok || by === undefined) {
    note(by === undefined ? 'expired' : 'refused', { id, ...who });
    const whom = by === undefined ? 'nobody approved it' : `${escapeText(by, SHOWN)} refused it`;
    return { go: false, help: said === '' ? whom : `${whom}: ${said}` } satisfies Outcome;
  }
  note('approved', { id, by });
  offer.approve(by);
  console.say(`sallyport: approved by ${escapeText(by, SHOWN)}`);
  return 'brought';
}

/** All of it where it fits, else its beginning and a digest of all. */
function reviewed(text: string): { text: string; digest?: string } {
  const shown = escapeText(text, MAX_REVIEWED);
  if (text.length <= MAX_REVIEWED && escapeText(text, MAX_REVIEWED * 16) === shown) return { text: shown };
  return { text: shown, digest: createHash('sha256').update(text).digest('hex') };
}

function whatFor({ offer }: Asking) {
  const lacks = offer.lacks();
  const rule = offer.decision?.rule?.id;
  return {
    gate: offer.gate,
    remedies: lacks === 'nothing' || lacks === undefined ? [] : [...lacks],
    questions: [...offer.questions()],
    ...(rule === undefined ? {} : { rule: rule.slice(0, SHOWN) }),
  };
}
