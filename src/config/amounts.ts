/** The schemas of amounts that may have no bound. */
import { z } from 'zod';
import { formatSize, parseSize } from '../core/size.js';
import { reject, show } from './fields.js';

const PEBIBYTE = 2 ** 50;

/** A size in bytes, from `min`. */
export const size = (min: number) =>
  z.unknown().transform((value, ctx): number => {
    const bytes = typeof value === 'string' ? parseSize(value) : undefined;
    if (bytes === undefined) return reject(ctx, `${show(value)} is not a size: write 64KiB, 512MiB or 4GiB`);
    if (bytes < min) return reject(ctx, `${show(value)} is too small: at least ${formatSize(min)}`);
    return bytes > PEBIBYTE ? reject(ctx, `${show(value)} is too large: write none for no limit`) : bytes;
  });

/** `none` besides: Infinity. */
export const orNone = (inner: z.ZodType<number>) =>
  z.unknown().transform((value, ctx): number => {
    if (value === 'none') return Number.POSITIVE_INFINITY;
    const result = inner.safeParse(value);
    if (result.success) return result.data;
    return reject(ctx, `${result.error.issues[0]?.message ?? 'wrong'}; or write none`);
  });

export const yesOrNo = z.unknown().transform((value, ctx): boolean => {
  if (typeof value === 'boolean') return value;
  return reject(ctx, `${show(value)} is not true or false`);
});
