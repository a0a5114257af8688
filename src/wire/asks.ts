/** Asking somebody else for a yes to one command: what of it goes from a door to the keeper and back. */
import { z } from 'zod';
import { ID_PATTERN } from '../core/ids.js';
import type { Question } from '../policy/types.js';

const id = z.string().regex(ID_PATTERN);
const word = z.string().max(8_192);
const path = z.string().max(4_096);

const program = z.object({
  path,
  names: z.array(path).max(64),
  trustedNames: z.array(path).max(64),
  same: z.array(path).max(64).optional(),
  unsteady: z.literal(true).optional(),
});

const question: z.ZodType<Question> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('command'),
    words: z
      .array(z.strictObject({ text: word, dynamic: z.boolean().exactOptional() }))
      .min(1)
      .max(1_024),
    program: program.exactOptional(),
    children: z.enum(['checked', 'trusted', 'none']).exactOptional(),
    hooks: z.array(z.string().max(256)).max(64).exactOptional(),
    builtin: z.boolean().exactOptional(),
  }),
  z.strictObject({ kind: z.literal('action'), action: z.string().max(256) }),
]);

/** What one question to a reviewer may come to in all; a door asks nobody about more. Unit: characters of JSON. */
const MAX_QUESTIONS = 32_768;

const questions = z
  .array(question)
  .min(1)
  .max(64)
  .refine((all) => JSON.stringify(all).length <= MAX_QUESTIONS, 'too much to review');

/** Longest text a reviewer is shown. Unit: characters, escaped. */
export const MAX_REVIEWED = 1_100;

/**
 * door → keeper: an approval would allow what was just refused; the line, or the program, is held meanwhile. A door looks
 * that it fits before it sends it (`ask.safeParse`): what does not is too much to review.
 */
export const ask = z.object({
  type: z.literal('ask'),
  q: z.number(),
  sid: id,
  gate: z.enum(['line', 'exec']),
  /** All of it, escaped: a reviewer approves what they read. */
  text: z.string().min(1).max(MAX_REVIEWED),
  /** SHA-256 of the exact words, hex, where `text` had to be cut. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Why, in the words of who asks; escaped. */
  reason: z.string().max(1_000).optional(),
  /** The rule that refused. */
  rule: z.string().max(200).optional(),
  /** What would allow it, as the door sees it. */
  remedies: z.array(z.enum(['mfa', 'approval'])).max(2),
  /** What was refused of the text, as the rules were asked: the keeper decides each by its own copy, with an approval. */
  questions,
});

/** door → keeper: nobody waits for it any more. */
export const withdraw = z.object({ type: z.literal('withdraw'), sid: id, id });

/** keeper → door: the request's id, or why nobody is asked. Either comes at once. */
export const asked = z.object({
  type: z.literal('asked'),
  re: z.number(),
  id: id.optional(),
  /** Wall time, ms: nobody's answer counts from then on. */
  expiresAt: z.number().optional(),
  refusal: z.string().max(1_000).optional(),
});

/**
 * keeper → door, once for each id. `ok` with `by`: that text, once, is decided with `approval.by` as a fact, and must be
 * allowed. Not `ok`: `why` says who refused and why, or what came of it otherwise; `by` where a person refused.
 */
export const answered = z.object({
  type: z.literal('answered'),
  sid: id,
  id,
  ok: z.boolean(),
  by: z.string().max(100).optional(),
  why: z.string().max(1_000).optional(),
});
