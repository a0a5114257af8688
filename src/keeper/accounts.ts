import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/index.js';
import { accountByName, accountByUid } from '../os/passwd.js';
import type { AccountInfo } from '../wire/types.js';

export interface Placement {
  account: AccountInfo;
  /** Host directory that becomes the account's home inside the session. */
  privateHome?: string;
}

/** Shells that mean "nobody logs in here". */
const NO_SHELL = /\/(nologin|false|true|sync|shutdown|halt)$/;

/**
 * Which OS account a user's shells run as, or one line that says why none does.
 * Account 0 is never launched, and no account is ever made. Without `needsShell` an account that nobody logs in to will do.
 */
export function placeUser(
  user: { name: string; account?: string },
  isolation: 'account' | 'sandbox',
  config: Config,
  doorUid: number | undefined,
  needsShell = true,
): Placement | string {
  return isolation === 'sandbox' ? placeSandbox(user, config) : placeAccount(user, config, doorUid, needsShell);
}

function placeSandbox(user: { name: string; account?: string }, config: Config): Placement | string {
  if (user.account !== undefined)
    return `user ${user.name} is tied to account ${user.account}, which needs a broker run by root`;
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid === 0) return 'account 0 is never launched';
  const entry = accountByUid(uid);
  const shell = usableShell(entry?.shell) ?? usableShell('/bin/bash') ?? '/bin/sh';
  const account = { name: entry?.name ?? `uid-${uid}`, uid, gid, home: join('/home', user.name), shell };
  return { account, privateHome: join(config.home, 'homes', user.name) };
}

function placeAccount(
  user: { name: string; account?: string },
  config: Config,
  doorUid: number | undefined,
  needsShell: boolean,
): Placement | string {
  const name = user.account ?? user.name;
  const entry = accountByName(name);
  if (!entry) return `account ${name} does not exist on this host: create it, or name another with --account`;
  if (entry.uid === 0 || entry.gid === 0) return `account ${name} is account 0, which is never launched`;
  if (entry.uid === doorUid) return `account ${name} is the doors' own: set doorAccount to another`;
  const override = config.accounts[name];
  const shell = usableShell(override?.shell ?? entry.shell) ?? (needsShell ? undefined : '/bin/false');
  if (shell === undefined)
    return `account ${name} has no usable shell (${override?.shell ?? entry.shell}): set accounts.${name}.shell`;
  if (override?.home === 'private')
    return {
      account: { name, uid: entry.uid, gid: entry.gid, home: join('/home', name), shell },
      privateHome: join(config.home, 'homes', name),
    };
  return { account: { name, uid: entry.uid, gid: entry.gid, home: override?.home ?? entry.home, shell } };
}

function usableShell(shell: string | undefined): string | undefined {
  if (shell === undefined || shell === '' || NO_SHELL.test(shell)) return undefined;
  try {
    accessSync(shell, constants.X_OK);
    return statSync(shell).isFile() ? shell : undefined;
  } catch {
    return undefined;
  }
}

/** First of the uids for dynamic services by systemd's convention; no account is meant to be there. */
const FIRST_FREE_UID = 61_184;

/**
 * The unprivileged account of the doors when the broker runs as root: the configured one, else `sallyport` where that
 * account exists, else a number no account has. Throws with what to change when there is none.
 */
export function doorAccount(configured: string): { uid: number; gid: number } {
  const named = configured === 'auto' ? accountByName('sallyport') : accountByName(configured);
  if (named && named.uid !== 0 && named.gid !== 0) return { uid: named.uid, gid: named.gid };
  if (named || configured !== 'auto')
    throw new Error(`doorAccount: ${configured} is ${named ? 'privileged' : 'no account of this host'}: name another`);
  for (let uid = FIRST_FREE_UID; uid < FIRST_FREE_UID + 100; uid += 1) if (!accountByUid(uid)) return { uid, gid: uid };
  throw new Error('doorAccount: no free number was found for the doors: set doorAccount to an account of their own');
}
