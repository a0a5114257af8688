/** A terminal as a client asks for it: the same from door to guard. */
import { z } from 'zod';

/** RFC 4254 section 8 numbers 1 to 159, each at most once. */
export const MAX_MODES = 159;

const cells = z.number().int().min(1).max(10_000);

/** Terminal modes as RFC 4254 section 8 numbers them, with their values; what this system does not know counts nothing. */
const modes = z
  .array(z.tuple([z.number().int().min(1).max(MAX_MODES), z.number().int().min(0).max(0xffff_ffff)]))
  .max(MAX_MODES);

export const ptyRequest = z.object({
  term: z
    .string()
    .max(64)
    .refine((s) => !s.includes('\0'), 'no NUL'),
  cols: cells,
  rows: cells,
  modes: modes.optional(),
});

export type PtyRequest = z.infer<typeof ptyRequest>;
export type TerminalModes = NonNullable<PtyRequest['modes']>;
