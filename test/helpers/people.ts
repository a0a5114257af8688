import { execFile, execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROMPT, type Ran, type TestBroker } from './broker.js';
import { openTerminal, type Terminal } from './terminal.js';

/** Another user of a test's broker, beside alice. */
export interface Person {
  readonly name: string;
  sshArgs(...extra: string[]): string[];
  shell(): Promise<Terminal>;
  exec(command: string, input?: string): Promise<Ran>;
}

const isRoot = process.getuid?.() === 0;

/**
 * Adds a user with a key of their own. As root their sessions run as `account`, with a private home where it needs
 * `{ home: private, shell: /bin/bash }` in the broker's configuration; without one, as the account of their name.
 */
export async function addPerson(
  broker: TestBroker,
  name: string,
  account?: string,
  roles: readonly string[] = ['engineer'],
): Promise<Person> {
  const key = join(broker.dir, `key-${name}`);
  // A second try of a test finds the person of the first.
  if (existsSync(key)) await forget(broker, name, key);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `${name}@test`, '-f', key]);
  const where = isRoot && account !== undefined ? ['--account', account] : [];
  const added = await broker.cli(
    'user',
    'add',
    name,
    '--key',
    `${key}.pub`,
    ...where,
    ...roles.flatMap((r) => ['--role', r]),
  );
  if (added.code !== 0) throw new Error(added.stderr);
  if (!isRoot || hasAccount(account)) prepareHome(join(broker.home, 'homes', isRoot ? (account ?? '') : name), account);
  const args = (...extra: string[]) => [
    ...broker
      .sshArgs(...extra)
      .slice(0, -1)
      .map((word, i, all) => (all[i - 1] === '-i' ? key : word)),
    `${name}@127.0.0.1`,
  ];
  return {
    name,
    sshArgs: args,
    async shell() {
      const terminal = openTerminal('ssh', args('-tt'));
      await terminal.waitFor(PROMPT, { timeoutMs: 20_000 });
      return terminal;
    },
    exec: (command, input) =>
      new Promise((resolve) => {
        const child = execFile('ssh', [...args('-T'), command], { timeout: 30_000 }, (error, stdout, stderr) =>
          resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr }),
        );
        child.stdin?.on('error', () => {});
        child.stdin?.end(input);
      }),
  };
}

function hasAccount(name: string | undefined): boolean {
  if (name === undefined) return false;
  try {
    execFileSync('id', ['-u', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function prepareHome(home: string, account: string | undefined): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, '.bashrc'), `PS1='${PROMPT}'\n`);
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  if (!isRoot || account === undefined) return;
  const ids = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, account]).toString()));
  for (const path of [home, join(home, '.bashrc'), join(home, '.bash_profile')])
    chownSync(path, ids[0] ?? 0, ids[1] ?? 0);
}

async function forget(broker: TestBroker, name: string, key: string): Promise<void> {
  await broker.cli('user', 'remove', name);
  for (const file of [key, `${key}.pub`]) rmSync(file);
}
