import { formatDuration } from '../../core/duration.js';
import type { Proved } from '../../wire/types.js';
import { type Asking, needs, type Outcome } from './offer.js';

/** Codes that may be typed for one thing that is held. */
const TRIES = 3;
/** Six digits, or a recovery code, in any spelling: anything else is not sent to be looked at. */
const CODE = /^(?:\d{6}|[a-z0-9]{16})$/i;

/** `brought`: the keeper has it, and new rights are here. `changed`: look again whether it is lacking still. */
export type Brought = 'brought' | 'changed' | Outcome;

const WORDS = {
  none: 'a fresh second factor would allow it, and you have none: an admin can give you one (sallyport user mfa enroll)',
  wrong: 'that is not it',
  used: 'that one was used before',
} as const;

/** Asks for a code until one holds, a few times. */
export async function askFactor(asking: Asking): Promise<Brought> {
  const { offer, prove, note } = asking;
  const first = await prove();
  if (!first.ok) return { go: false, help: refusalOf(first) };
  const question = needs(offer, 'a fresh second factor');
  let left = TRIES;
  let said = question;
  while (left > 0) {
    const read = await readCode(said, asking);
    if (typeof read === 'string' || 'go' in read) return read;
    const proved = CODE.test(read.code) ? await prove(read.code) : NOT_ONE;
    if (proved.ok) note('proved');
    if (asking.console.withdrawn) return withdrawn(note);
    if (proved.ok) return 'brought';
    if (proved.why === 'wait' || proved.why === 'none') return { go: false, help: refusalOf(proved) };
    left = Math.min(left - 1, proved.left);
    said = `sallyport: ${proved.why === 'used' ? WORDS.used : WORDS.wrong}, ${left} ${left === 1 ? 'try' : 'tries'} left.`;
  }
  note('failed');
  return { go: false, help: await afterwards(prove) };
}

/** Of codes that were all wrong: whether more are looked at. */
async function afterwards(prove: Asking['prove']): Promise<string> {
  const more = await prove();
  return more.why === 'wait' ? refusalOf(more) : 'no code that was typed was right';
}

/** What was typed, without what only parts it. */
async function readCode(said: string, { console, note }: Asking): Promise<{ code: string } | Brought> {
  for (;;) {
    const heard = await console.ask(`${said} Verification code: `, true);
    if (heard === 'interrupted') return 'changed';
    if (heard === 'withdrawn') return withdrawn(note);
    const code = heard.typed.replaceAll(/[\s-]/g, '');
    if (code !== '') return { code };
  }
}

/** Shaped like no code: it costs a try here, and no guess. */
const NOT_ONE: Proved = { ok: false, left: TRIES, why: 'wrong' };

function withdrawn(note: Asking['note']): Outcome {
  note('withdrawn');
  return { go: false };
}

function refusalOf({ why, waitMs = 0 }: Proved): string {
  if (why === 'none') return WORDS.none;
  const when = formatDuration(Math.max(1_000, Math.ceil(waitMs / 1_000) * 1_000));
  return `a fresh second factor would allow it, but too many codes were wrong: one is looked at again in ${when}`;
}
