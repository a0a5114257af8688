/** Many sessions of many users on one broker, each with the processes of its namespace known. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built } from './paths.mjs';
import { byNamespace } from './processes.mjs';
import { openShell } from './shells.mjs';
import { pooled } from './stats.mjs';

/** What every session runs besides its shell: something that outlives a hangup. */
const BACKGROUND = "(trap '' HUP TERM INT; exec sleep 100000) & disown; trap '' HUP TERM; readlink /proc/self/ns/pid";

/** Asks the broker over its control socket, as the command line does. */
export async function adminOf(contender) {
  const { callBroker } = await built('control/client.js');
  return (verb, request) => callBroker(contender.socket, verb, request);
}

/** Users with a key each, and a role held by a grant. Returns their private keys by name. */
export async function addUsers(admin, dir, names, role) {
  const keys = new Map();
  await pooled(names, 4, async (name) => {
    const file = join(dir, `key-${name}`);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
    keys.set(name, readFileSync(file));
    const key = readFileSync(`${file}.pub`, 'utf8').trim();
    await admin('user.add', { name, keys: [key], account: 'nobody', roles: [role] });
  });
  return keys;
}

/** Opens a shell for each name of `users` (repeats welcome). Resolves with [{ user, shell, id, pids }]. */
export async function openSessions(contender, users, keys) {
  const opened = await pooled(users, 10, async (user) => {
    const shell = await openShell(contender, { user, privateKey: keys.get(user) });
    const text = await shell.run(BACKGROUND);
    const id = /session ([0-9a-z]{26})/.exec(shell.greeting)?.[1];
    return { user, shell, id, namespace: /pid:\[\d+\]/.exec(text)?.[0] };
  });
  const spaces = byNamespace();
  return opened.map((session) => ({ ...session, pids: pidsOf(session, spaces) }));
}

function pidsOf({ user, namespace }, spaces) {
  const pids = spaces.get(namespace) ?? [];
  if (pids.length < 2) throw new Error(`the processes of ${user}'s session were not found (${namespace})`);
  return pids;
}
