/** Sealed grants: what anyone in a role may open for themselves. */
import { z } from 'zod';
import { isRoleName, isTargetPattern, NAME_RULES } from '../core/names.js';
import * as f from './fields.js';
import type { Seal } from './types.js';

const MINUTE = 60_000;
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

const role = z.string().refine(isRoleName, NAME_RULES.role);

const seal = z.strictObject({
  for: role,
  role,
  target: z.string().refine(isTargetPattern, NAME_RULES.pattern).default('*'),
  length: f.duration(MINUTE).default(60 * MINUTE),
});

export const SEAL_KEYS = Object.keys(seal.shape);

export const breakglass = z
  .record(z.string().regex(NAME, 'names of sealed grants are [a-z0-9][a-z0-9_-]{0,31}'), seal)
  .default({});

export function sealsOf(written: z.infer<typeof breakglass>): Record<string, Seal> {
  return Object.fromEntries(
    Object.entries(written).map(([name, { for: holders, role: gives, target, length }]) => [
      name,
      { for: holders, role: gives, target, lengthMs: length },
    ]),
  );
}
