/** What every helper process of the keeper says and hears beside its own messages. */
import { z } from 'zod';

/** A helper's descriptor of its link when the keeper starts it. */
export const HELPER_LINK = 3;
/** Longest text of a failure. Unit: characters. */
export const MAX_WHY = 300;

export const helperHello = z.object({
  type: z.literal('hello'),
  /** The account to become before anything is done; absent: stay. */
  drop: z.object({ uid: z.number().int().positive(), gid: z.number().int().positive() }).optional(),
});
export const helperReady = z.object({ type: z.literal('ready') });
export const helperBeat = z.object({ type: z.literal('beat') });

export type HelperHello = z.infer<typeof helperHello>;
export type HelperSign = z.infer<typeof helperReady> | z.infer<typeof helperBeat>;
