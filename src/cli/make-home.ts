/** What `init` does: a home that `serve` accepts, or nothing at all. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readPublicKeyFile } from '../authority/key-file.js';
import { DEFAULT_YAML, editYaml, parseConfig } from '../config/index.js';
import { dispatch } from '../control/dispatch.js';
import { type HomePaths, homePaths } from '../control/home.js';
import { withOfflinePort } from '../control/offline.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { generateHostKey, hostKeyFingerprint } from '../ssh/host-key.js';
import { openStore } from '../store/index.js';

/** Roles of the shipped policy that the first user gets: the broker's verbs, and a shell. */
const FIRST_ROLES = ['admin', 'engineer'];

export interface MakeHomeOptions {
  home?: string;
  listen?: string;
  user?: string;
  key?: string;
  account?: string;
}

export interface MadeHome {
  home: string;
  fingerprint: string;
  user?: { name: string; roles: string[] };
}

/** Throws `usage` or `failed`; whatever it had made by then is gone again. */
export async function makeHome(options: MakeHomeOptions): Promise<MadeHome> {
  const paths = homePaths(whereTo(options.home));
  const yaml = configText(options.listen, paths.home);
  const firstUser = firstUserOf(options);
  refuseExisting(paths);
  const made: string[] = [];
  try {
    const fingerprint = writeHome(paths, yaml, made);
    await (await openStore(paths.state, { create: true, purpose: 'sallyport init' })).close();
    if (firstUser) await addFirst(paths.home, firstUser);
    return { home: paths.home, fingerprint, ...(firstUser && { user: { name: firstUser.name, roles: FIRST_ROLES } }) };
  } catch (error) {
    for (const path of made.reverse()) rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

function whereTo(named: string | undefined): string {
  const home = named ?? process.env.SALLYPORT_HOME;
  if (!home) throw new SallyportError('usage', 'init: say where the home shall be: --home DIR, or $SALLYPORT_HOME');
  return resolve(home);
}

function configText(listen: string | undefined, home: string): string {
  if (listen === undefined) return DEFAULT_YAML;
  const text = editYaml(DEFAULT_YAML, [{ path: ['listen'], value: listen }]);
  try {
    parseConfig(text, home);
  } catch {
    throw new SallyportError('usage', `--listen ${listen}: not HOST:PORT, such as 127.0.0.1:2222 or '[::]:22'`);
  }
  return text;
}

interface FirstUser {
  name: string;
  keys: string[];
  account?: string;
}

function firstUserOf({ user, key, account }: MakeHomeOptions): FirstUser | undefined {
  if (user === undefined && key === undefined && account === undefined) return undefined;
  if (user === undefined || key === undefined)
    throw new SallyportError('usage', 'init: --user and --key go together: the first user needs a public key');
  return { name: user, keys: readPublicKeyFile(key), ...(account !== undefined && { account }) };
}

function refuseExisting(paths: HomePaths): void {
  for (const path of [paths.config, paths.policies, paths.state, paths.recordings])
    if (lstatSync(path, { throwIfNoEntry: false }))
      throw new SallyportError(
        'failed',
        `${path} exists already: init never overwrites; use another directory, or move it away`,
      );
}

/** Returns the host key's fingerprint. Everything made is noted in `made`, outermost first. */
function writeHome(paths: HomePaths, yaml: string, made: string[]): string {
  const directory = (path: string, mode: number) => {
    if (!existsSync(path)) made.push(firstMissing(path));
    mkdirSync(path, { recursive: true, mode });
    chmodSync(path, mode);
  };
  const file = (path: string, text: string, mode: number) => {
    writeFileSync(path, text, { flag: 'wx', mode });
    made.push(path);
  };
  try {
    if (!existsSync(paths.home)) directory(paths.home, 0o755);
    directory(paths.policies, 0o755);
    file(paths.model, shipped('model.conf'), 0o644);
    file(paths.policy, shipped('policy.csv'), 0o644);
    directory(paths.state, 0o700);
    directory(paths.recordings, 0o700);
    directory(paths.run, 0o755);
    const hostKey = generateHostKey();
    file(paths.hostKey, hostKey, 0o600);
    file(paths.signingKey, newSigningKey(), 0o600);
    file(paths.config, yaml, 0o644);
    return hostKeyFingerprint(hostKey);
  } catch (error) {
    throw new SallyportError('failed', `cannot make the home ${paths.home}: ${messageOf(error)}`);
  }
}

/** The outermost directory that making `path` would make. */
function firstMissing(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) ? path : firstMissing(parent);
}

const shipped = (name: string) => readFileSync(new URL(join('../../policies', name), import.meta.url), 'utf8');

function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function addFirst(home: string, user: FirstUser): Promise<void> {
  const request = { ...user, roles: FIRST_ROLES, reason: 'the first user, made by init' };
  await withOfflinePort(home, (port, caller) => dispatch(port, 'user.add', request, caller));
}
