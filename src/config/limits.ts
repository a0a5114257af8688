import type { Config, ProcessLimits, RoleLimits } from './types.js';

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
    const limits = roleOf(config, role);
    idle = Math.min(idle, limits?.idleMs ?? idle);
    hard = Math.min(hard, limits?.hardMs ?? hard);
  }
  return {
    idleMs: Number.isFinite(idle) ? idle : config.session.idleMs,
    hardMs: Number.isFinite(hard) ? hard : config.session.hardMs,
  };
}

/**
 * What the processes of a session of someone who holds `roles` may use. As above, value by value; of several roles'
 * values the strictest wins.
 */
export function processLimitsFor(config: Pick<Config, 'session'>, roles: Iterable<string>): ProcessLimits {
  const own = [...roles].flatMap((role) => roleOf(config, role)?.limits ?? []);
  const pick = (name: keyof ProcessLimits, strictest: (...values: number[]) => number): number => {
    const values = own.flatMap((limits) => limits[name] ?? []);
    return values.length > 0 ? strictest(...values) : config.session.limits[name];
  };
  return {
    processes: pick('processes', Math.min),
    memory: pick('memory', Math.min),
    openFiles: pick('openFiles', Math.min),
    cpuMs: pick('cpuMs', Math.min),
    fileSize: pick('fileSize', Math.min),
    core: pick('core', Math.min),
    nice: pick('nice', Math.max),
  };
}

/** Whether they may make user namespaces: of several roles' words the no wins. */
export function userNamespacesFor(config: Pick<Config, 'session'>, roles: Iterable<string>): boolean {
  const own = [...roles].flatMap((role) => roleOf(config, role)?.userNamespaces ?? []);
  return own.length > 0 ? own.every((word) => word) : config.session.userNamespaces;
}

function roleOf(config: Pick<Config, 'session'>, role: string): RoleLimits | undefined {
  return Object.hasOwn(config.session.roles, role) ? config.session.roles[role] : undefined;
}
