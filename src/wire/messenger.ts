/** The messages between the keeper and the messenger, which carries what hooks are told. */
import { z } from 'zod';
import { type HelperHello, type HelperSign, helperBeat, helperHello, helperReady, MAX_WHY } from './helper.js';

const q = z.number().int();
const timeoutMs = z.number().positive();
const place = z.discriminatedUnion('via', [
  z.object({ via: z.enum(['udp', 'tcp']), host: z.string().max(255), port: z.number().int().min(1).max(65_535) }),
  z.object({ via: z.literal('unix'), path: z.string().max(107) }),
]);

/** keeper → messenger; answers carry the number of the order. */
export const toMessenger = z.discriminatedUnion('type', [
  helperHello,
  z.object({
    type: z.literal('post'),
    q,
    url: z.string().max(4_000),
    headers: z.record(z.string(), z.string().max(1_000)),
    body: z.string(),
    /** PEM. */
    ca: z.string().optional(),
    timeoutMs,
  }),
  z.object({ type: z.literal('run'), q, argv: z.array(z.string()).min(1), input: z.string(), timeoutMs }),
  z.object({ type: z.literal('syslog'), q, place, messages: z.array(z.string()), timeoutMs }),
]);

/** messenger → keeper */
export const fromMessenger = z.discriminatedUnion('type', [
  helperReady,
  helperBeat,
  z.object({ type: z.literal('done'), re: q }),
  z.object({
    type: z.literal('failed'),
    re: q,
    why: z.string().max(MAX_WHY),
    /** Whether it may go better later. */
    again: z.boolean(),
    /** What the receiver asked to be left in peace for, ms. */
    afterMs: z.number().nonnegative().optional(),
  }),
]);

export type ToMessenger = z.infer<typeof toMessenger>;
export type FromMessenger = z.infer<typeof fromMessenger>;
export type MessengerOrder = Exclude<ToMessenger, HelperHello>;
export type MessengerAnswer = Exclude<FromMessenger, HelperSign>;
export type PostOrder = Extract<ToMessenger, { type: 'post' }>;
export type RunOrder = Extract<ToMessenger, { type: 'run' }>;
export type SyslogOrder = Extract<ToMessenger, { type: 'syslog' }>;
