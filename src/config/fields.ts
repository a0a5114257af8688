/** The schemas of single values: what a person writes in, what the broker works with out. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { formatDuration, parseDuration } from '../core/duration.js';
import { isAccountName, isRoleName, isUserName, NAME_RULES } from '../core/names.js';
import { badEnvPattern } from './env.js';
import type { Address } from './types.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** A length of time from `minMs` to `maxMs`, by default a year, as ms. */
export function duration(minMs: number, maxMs = YEAR_MS) {
  return z.unknown().transform((value, ctx): number => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) {
      const hint = typeof value === 'number' && value > 0 ? `; for ${value} seconds write ${value}s` : '';
      return reject(ctx, `${show(value)} is not a duration: write 90s, 15m, 2h30m or 30d${hint}`);
    }
    if (ms < minMs)
      return reject(ctx, `${value} is too short: at least ${minMs < 1000 ? `${minMs}ms` : formatDuration(minMs)}`);
    if (ms > maxMs) return reject(ctx, `${value} is too long: at most ${maxMs / DAY_MS}d`);
    return ms;
  });
}

export const count = (min: number, max: number) =>
  z.unknown().transform((value, ctx): number => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return reject(ctx, `${show(value)} is not a whole number from ${min} to ${max}`);
  });

export function oneOf<const T extends string>(...words: T[]) {
  return z.unknown().transform((value, ctx): T => {
    const found = words.find((word) => word === value);
    return found ?? reject(ctx, `${show(value)} is not one of ${words.join(', ')}`);
  });
}

export const address = z.unknown().transform((value, ctx): Address => {
  const parsed = typeof value === 'string' ? parseAddress(value) : undefined;
  return parsed ?? reject(ctx, `${show(value)} is not HOST:PORT: write 127.0.0.1:2222, 0.0.0.0:22 or [::1]:2222`);
});

/** Reads `HOST:PORT` or `[IPv6]:PORT`; undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

export const timezone = z.unknown().transform((value, ctx): string => {
  if (typeof value === 'string' && isZone(value)) return value;
  return reject(ctx, `${show(value)} is not a time zone: write an IANA name such as UTC or Europe/Berlin`);
});

function isZone(name: string): boolean {
  // Newer runtimes take offsets such as +01:00 as well; only names follow a place's summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const named = (test: (name: string) => boolean, rule: string) =>
  z.unknown().transform((value, ctx): string => {
    if (typeof value === 'string' && test(value)) return value;
    return reject(ctx, `${show(value)} is not allowed here: ${rule}`);
  });

export const userName = named(isUserName, NAME_RULES.user);
export const accountName = named(isAccountName, NAME_RULES.account);
export const absolutePath = named(
  (path) => isAbsolute(path) && !path.includes('\0') && !path.split('/').includes('..'),
  'write an absolute path without .. parts',
);
export const homeChoice = named((home) => home === 'private' || isAbsolute(home), 'write private or an absolute path');

export const envPattern = z.unknown().transform((value, ctx): string => {
  if (typeof value !== 'string') return reject(ctx, `${show(value)} is not the name of an environment variable`);
  const wrong = badEnvPattern(value);
  return wrong === undefined ? value : reject(ctx, wrong);
});

/** `*`, or a list of roles. */
export const rolesOrAll = z.unknown().transform((value, ctx): '*' | string[] => {
  if (value === '*') return value;
  const roles = Array.isArray(value) ? value.filter((role) => typeof role === 'string' && isRoleName(role)) : [];
  if (Array.isArray(value) && roles.length === value.length) return roles;
  return reject(ctx, `${show(value)} is neither '*' nor a list of roles: ${NAME_RULES.role}`);
});

/** The value as it may appear in a message. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

export function reject(ctx: z.core.$RefinementCtx<unknown>, message: string): never {
  ctx.issues.push({ code: 'custom', message, input: ctx.value });
  return z.NEVER;
}
