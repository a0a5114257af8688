import type { AdminVerdict } from '../control/caller.js';
import type { AnyVerb } from '../control/streams.js';
import { compileRights } from '../policy/index.js';
import type { RightsData } from '../policy/types.js';

/** `@admin:<verb>` under these rights, as any other action is decided. */
export async function adminVerdict(data: RightsData, verb: AnyVerb, atMs: number): Promise<AdminVerdict> {
  const rights = await compileRights(data);
  // `@admin:context` speaks of `context.set` and `context.show` as well; a deny of either counts.
  const [family = verb] = verb.split('.');
  const asked = [...new Set([verb, family])].map((name) =>
    rights.decide({ kind: 'action', action: `@admin:${name}` }, atMs),
  );
  const denied = asked.find((d) => d.rule?.effect === 'deny');
  if (denied?.rule) return { allow: false, denied: true, why: `${denied.rule.id}: denied by rule` };
  if (asked.some((d) => d.allow)) return { allow: true, denied: false, why: '' };
  if (asked.some((d) => d.why === 'error')) return { allow: false, denied: true, why: 'it could not be decided' };
  return { allow: false, denied: false, why: 'no rule allows it' };
}
