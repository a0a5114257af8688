/** The messages between the keeper and the feeder, which asks addresses and reads what they and files say. */
import { z } from 'zod';
import { type HelperHello, type HelperSign, helperBeat, helperHello, helperReady, MAX_WHY } from './helper.js';

/** Longest answer of an address or file that tells of everyone, and of one asked for a single user. Unit: bytes. */
export const MAX_ANSWER = 8 * 1024 * 1024;
export const MAX_ONE_ANSWER = 64 * 1024;
/** Facts of one subject, and their names and texts. */
export const MAX_FACTS = 100;
export const MAX_NAME = 100;
export const MAX_VALUE = 1_000;
/** Subjects of one answer. */
export const MAX_SUBJECTS = 100_000;

const facts = z.record(z.string().max(MAX_NAME), z.union([z.string().max(MAX_VALUE), z.number(), z.boolean()]));

/** keeper → feeder; answers carry the number of the question. */
export const toFeeder = z.discriminatedUnion('type', [
  helperHello,
  z.object({
    type: z.literal('fetch'),
    q: z.number().int(),
    url: z.string().max(4_000),
    headers: z.record(z.string(), z.string().max(16_384)),
    /** PEM. */
    ca: z.string().optional(),
    timeoutMs: z.number().positive(),
    /** Whom the answer tells of. */
    of: z.enum(['everyone', 'one']),
  }),
  z.object({ type: z.literal('read'), q: z.number().int(), text: z.string() }),
]);

/** feeder → keeper */
export const fromFeeder = z.discriminatedUnion('type', [
  helperReady,
  helperBeat,
  /** Of an answer about one, the subject is empty. */
  z.object({
    type: z.literal('told'),
    re: z.number().int(),
    subjects: z.array(z.tuple([z.string().max(64), facts])).max(MAX_SUBJECTS),
  }),
  z.object({ type: z.literal('failed'), re: z.number().int(), why: z.string().max(MAX_WHY) }),
]);

export type ToFeeder = z.infer<typeof toFeeder>;
export type FromFeeder = z.infer<typeof fromFeeder>;
export type FeederOrder = Exclude<ToFeeder, HelperHello>;
export type FeederAnswer = Exclude<FromFeeder, HelperSign>;
export type Subjects = Extract<FromFeeder, { type: 'told' }>['subjects'];
export type FetchOrder = Extract<ToFeeder, { type: 'fetch' }>;
