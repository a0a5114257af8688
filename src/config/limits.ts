import type { Config } from './types.js';

/**
 * How long a session of someone who holds `roles` may idle and last, in ms. A role's value replaces the general one; of
 * several roles' values the shortest wins.
 */
export function limitsFor(
  config: Pick<Config, 'session'>,
  roles: Iterable<string>,
): { idleMs: number; hardMs: number } {
  let idle = Number.POSITIVE_INFINITY;
  let hard = Number.POSITIVE_INFINITY;
  for (const role of roles) {
    const limits = Object.hasOwn(config.session.roles, role) ? config.session.roles[role] : undefined;
    idle = Math.min(idle, limits?.idleMs ?? idle);
    hard = Math.min(hard, limits?.hardMs ?? hard);
  }
  return {
    idleMs: Number.isFinite(idle) ? idle : config.session.idleMs,
    hardMs: Number.isFinite(hard) ? hard : config.session.hardMs,
  };
}
