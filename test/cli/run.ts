/** Runs the real `sallyport`, as a user would. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../contracts/sources.js';

export const bin = join(root, 'bin/sallyport');

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function sallyport(args: readonly string[], env: Record<string, string> = {}, program = bin): Ran {
  const { HOME = '/', PATH = '' } = process.env;
  const options = { encoding: 'utf8', env: { HOME, PATH, ...env }, cwd: tmpdir(), input: '' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], options);
  return { code: status, stdout, stderr };
}

export interface Scratch {
  dir: string;
  home: string;
  /** A public key file. */
  key: string;
  run(...args: string[]): Ran;
  json(...args: string[]): unknown;
  remove(): void;
}

/** An empty directory with a key in it; `run` uses the home `home` in it. */
export function scratch(): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
  const home = join(dir, 'home');
  const key = join(dir, 'key');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me@test', '-f', key]);
  const run = (...args: string[]) => sallyport(['--home', home, ...args]);
  return {
    dir,
    home,
    key: `${key}.pub`,
    run,
    json: (...args) => JSON.parse(run('--json', ...args).stdout),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
