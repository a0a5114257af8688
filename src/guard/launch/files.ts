import { chmodSync, chownSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineGateShell, type ShellName } from '../../core/shells.js';
import { check, libc } from '../../os/libc.js';
import type { AccountInfo } from '../../wire/types.js';
import { LINE_DIR, type LineGateFiles } from './arguments.js';

/** Creates the recording: it must not exist, and no link leads there. The descriptor only appends. */
export function createRecording(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const { O_CREAT, O_EXCL, O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  return openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_NOFOLLOW, 0o600);
}

/** Makes a private home if there is none yet; it belongs to the account and to nobody else. */
export function ensurePrivateHome(path: string, account: AccountInfo): void {
  if (!existsSync(path)) {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    own(path, account);
    chmodSync(path, 0o700);
  }
  if (statSync(path).uid !== account.uid) throw new Error(`${path} does not belong to ${account.name}`);
}

/** The session's end of the line gate. `q` and `a` are open for reading and writing, non-blocking. */
export interface LineGate {
  files: LineGateFiles;
  q: number;
  a: number;
  remove(): void;
}

const SHELL_FILES = join(dirname(fileURLToPath(import.meta.url)), '../../gate/shell');

/**
 * A shell's system-wide start-up file, which ours takes the place of; it reads the machine's own, found under
 * `original`, and then the hook.
 */
const HOOKS: Record<ShellName, { hook: string; startup: string; place: string; original: string }> = {
  bash: { hook: 'hook.bash', startup: 'profile', place: '/etc/profile', original: 'etc-profile' },
  zsh: { hook: 'hook.zsh', startup: 'zshrc', place: '/etc/zsh/zshrc', original: 'etc-zshrc' },
  fish: { hook: 'hook.fish', startup: 'config.fish', place: '/etc/fish/config.fish', original: 'etc-config.fish' },
};

/** What to put where inside; undefined where the shell has no line gate or no such file. */
function hookBinds(shell: string): [from: string, to: string][] | undefined {
  const name = lineGateShell(shell);
  if (name === undefined) return undefined;
  const { hook, startup, place, original } = HOOKS[name];
  const from = [hook, startup].map((file) => join(SHELL_FILES, file));
  if (![...from, place].every((file) => existsSync(file))) return undefined;
  return [
    [join(SHELL_FILES, hook), `${LINE_DIR}/${hook}`],
    [place, `${LINE_DIR}/${original}`],
    [join(SHELL_FILES, startup), place],
  ];
}

/** Two FIFOs in a directory of the session's own; undefined where the account's shell has no line gate. */
export function openLineGate(home: string, sid: string, account: AccountInfo): LineGate | undefined {
  const binds = hookBinds(account.shell);
  if (binds === undefined) return undefined;
  const dir = join(home, 'run', 's', sid);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const fifo = (name: string) => {
    const path = join(dir, name);
    check(`mkfifo ${path}`, libc.mkfifo(path, 0o600));
    own(path, account);
    return { path, fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK) };
  };
  const q = fifo('q');
  const a = fifo('a');
  return {
    files: { q: q.path, a: a.path, binds },
    q: q.fd,
    a: a.fd,
    // Beside the loop: sessions that end together do not wait for each other's files. A start sweeps what is left.
    remove: () => void rm(dir, { recursive: true, force: true }).catch(() => {}),
  };
}

/** Gives `path` to the account where we are someone else. */
export function own(path: string, account: AccountInfo): void {
  if (process.getuid?.() !== account.uid) chownSync(path, account.uid, account.gid);
}

export const closeQuietly = (fd: number): void => {
  try {
    closeSync(fd);
  } catch {
    // Closed already.
  }
};
