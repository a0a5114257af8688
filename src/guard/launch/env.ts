import { HANDED, HANDED_COUNT, type LaunchOrder, SESSION_PATH } from '../../wire/guard.js';
import { isHook } from '../hooks.js';
import { homeInside, type Isolation } from './arguments.js';
import { HANDED_FD } from './start.js';

/** Names the guard alone sets. */
const OWN = new Set(['HOME', 'USER', 'LOGNAME', 'SHELL', 'IFS', 'PWD', 'OLDPWD', 'SHLVL']);

/**
 * Locale and time zone names are read by the launcher's programs before privilege is dropped: only plain names, never
 * a path to data of the user's own.
 */
const READ_EARLY = /^(LANG|LANGUAGE|LC_[A-Z]+|TZ|TZDIR|NLSPATH|LOCPATH|TEXTDOMAINDIR|OUTPUT_CHARSET)$/;
const PLAIN = /^[A-Za-z0-9_.@:+-]{0,64}$/;
const PLAIN_ZONE = /^[A-Za-z0-9_+-]{1,32}(\/[A-Za-z0-9_+-]{1,32}){0,2}$/;

/** The whole environment of a session; nothing of the broker's own is in it. */
export function sessionEnv(order: LaunchOrder, isolation: Isolation): Record<string, string> {
  return order.administration ? ownEnv(order) : shellEnv(order, isolation);
}

/** What our own command line gets: of the client's names only those of language and time zone. */
function ownEnv({ env, pty, sid }: LaunchOrder): Record<string, string> {
  const told = Object.entries(env).filter(([name, value]) => READ_EARLY.test(name) && allowed(name, value));
  return {
    ...{ PATH: SESSION_PATH, LANG: 'C.UTF-8', ...Object.fromEntries(told) },
    ...(pty ? { TERM: pty.term === '' ? 'dumb' : pty.term } : {}),
    ...{ HOME: '/', NODE_NO_WARNINGS: '1', SALLYPORT_SESSION: sid },
    [HANDED]: Array.from({ length: HANDED_COUNT }, (_, i) => HANDED_FD + i).join(','),
  };
}

function shellEnv(order: LaunchOrder, isolation: Isolation): Record<string, string> {
  const { account, pty } = order;
  const env: Record<string, string> = { PATH: SESSION_PATH, LANG: 'C.UTF-8' };
  for (const [name, value] of Object.entries(order.env)) if (allowed(name, value)) env[name] = value;
  return {
    ...env,
    ...(pty ? { TERM: pty.term === '' ? 'dumb' : pty.term } : {}),
    HOME: homeInside(order, isolation),
    USER: account.name,
    LOGNAME: account.name,
    SHELL: account.shell,
    SALLYPORT_SESSION: order.sid,
  };
}

function allowed(name: string, value: string): boolean {
  if (OWN.has(name) || name.startsWith('SALLYPORT_') || isHook(name)) return false;
  if (name === 'TZ') return PLAIN_ZONE.test(value);
  return !READ_EARLY.test(name) || (!name.endsWith('PATH') && !name.endsWith('DIR') && PLAIN.test(value));
}
