// `npm run demo`: from a fresh clone to a broker one can ssh into. Plain Node until node_modules is there.
// SALLYPORT_DEMO_HOME names another home, SALLYPORT_DEMO_PORT another port, SALLYPORT_DEMO_KEY another public key file
// than the person's own; `new` makes one.
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  callerProblem,
  describeMissing,
  ensureBuilt,
  ensureModules,
  missingPackages,
  nodeProblem,
  root,
} from './prepare.mjs';

const FIRST_PORT = 2222;
/** How long the broker may take to say that it is up. Unit: ms. */
const START_MS = 30_000;

const isRoot = process.getuid() === 0;
const bin = join(root, 'bin/sallyport');

class DemoError extends Error {}

const say = (line = '') => process.stdout.write(`${line}\n`);
const fail = (message) => {
  throw new DemoError(message);
};

function prepare() {
  const problem = nodeProblem() ?? callerProblem();
  if (problem) fail(problem);
  const missing = missingPackages();
  if (missing.length > 0) fail(describeMissing(missing));
  if (!ensureModules()) fail('npm ci failed; see above');
  if (!ensureBuilt()) fail('the build failed; see above');
}

/** Who sits at the terminal: under sudo, the one who called it. `account` is absent where the sandbox is used. */
function person() {
  const behindSudo = isRoot ? accountNamed(process.env.SUDO_USER) : undefined;
  const here = behindSudo ?? ownAccount();
  const user = sanitise(here.name);
  if (!isRoot) return { ...here, user };
  return behindSudo && behindSudo.uid !== 0
    ? { ...here, user, account: behindSudo.name, override: lacking(behindSudo) }
    : { ...here, user, account: 'nobody', override: { home: 'private', shell: '/bin/bash' } };
}

/** What an account needs of the broker to get a shell, undefined where the password database says enough. */
function lacking({ home, shell }) {
  const found = {
    ...(existsSync(home) ? {} : { home: 'private' }),
    ...(/(nologin|false)$/.test(shell) ? { shell: '/bin/bash' } : {}),
  };
  return Object.keys(found).length > 0 ? found : undefined;
}

function ownAccount() {
  const { username, uid, gid, homedir } = userInfo();
  return { name: username, uid, gid, home: homedir };
}

function accountNamed(name) {
  if (!name || !/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const { stdout, status } = spawnSync('getent', ['passwd', name], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const [found, , uid, gid, , home, shell] = stdout.trim().split(':');
  return { name: found, uid: Number(uid), gid: Number(gid), home, shell };
}

/** User names are `[a-z0-9][a-z0-9._-]{0,31}`. */
function sanitise(name) {
  const clean = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 32);
  return clean === '' ? 'me' : clean;
}

function chooseHome() {
  const named = process.env.SALLYPORT_DEMO_HOME;
  if (named) return named;
  const beside = join(root, 'demo-home');
  return isWritable(existsSync(beside) ? beside : root) ? beside : join(tmpdir(), `sallyport-demo-${process.getuid()}`);
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A home of somebody else's in a shared directory would be theirs to change under us. */
function ownOnly(home) {
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const { uid } = statSync(home);
  if (uid !== process.getuid()) fail(`${home} belongs to uid ${uid}; name another with SALLYPORT_DEMO_HOME`);
}

async function choosePort(wanted) {
  if (process.env.SALLYPORT_DEMO_PORT) return Number(process.env.SALLYPORT_DEMO_PORT);
  for (let port = wanted; port < wanted + 100; port++) if (await isFree(port)) return port;
  return fail(`no free port from ${wanted} on; name one with SALLYPORT_DEMO_PORT`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A public key this person's ssh offers by itself, or a new one in the demo home, named with -i. */
function chooseKey(who, home) {
  const named = process.env.SALLYPORT_DEMO_KEY;
  if (named && named !== 'new') return { publicKey: named, identity: named.replace(/\.pub$/, '') };
  const own = named ? undefined : ownKey(join(who.home, '.ssh'));
  if (own) return own;
  const file = join(home, `key-${who.user}`);
  if (!existsSync(file)) {
    rmSync(`${file}.pub`, { force: true });
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'sallyport demo', '-f', file]);
    if (made.status !== 0) fail(`ssh-keygen could not make ${file}: ${made.stderr}`);
  }
  if (isRoot) for (const path of [file, `${file}.pub`]) chownSync(path, who.uid, who.gid);
  return { publicKey: `${file}.pub`, identity: file };
}

/** What ssh tries without -i, best first; keys on tokens are not offered here yet. */
const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

function ownKey(directory) {
  const names = listed(directory).filter((name) => /^id_.*\.pub$/.test(name) && !name.includes('_sk'));
  const pairs = names.map((name) => name.slice(0, -4)).filter((name) => existsSync(join(directory, name)));
  const usual = DEFAULT_KEYS.find((name) => pairs.includes(name));
  if (usual) return { publicKey: join(directory, `${usual}.pub`) };
  const [other] = pairs.filter((name) => isPublicKey(join(directory, `${name}.pub`)));
  return other && { publicKey: join(directory, `${other}.pub`), identity: join(directory, other) };
}

const isPublicKey = (file) => /^(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) /.test(readFileSync(file, 'utf8'));

function listed(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sallyport(home, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--home', home, ...args], { encoding: 'utf8' });
  return { ok: status === 0, code: status, stdout, error: stderr.trim().replace(/^sallyport: /, '') };
}

function must(result) {
  return result.ok ? result.stdout : fail(result.error);
}

/** Makes the home, or brings the one of an earlier run up to this run's port. */
async function makeHome(home, who) {
  const file = join(home, 'sallyport.yaml');
  const { editYaml, loadConfig } = await import('../dist/config/index.js');
  const fresh = !existsSync(file);
  const port = await choosePort(fresh ? FIRST_PORT : loadConfig(home).listen.port);
  if (fresh) must(sallyport(home, 'init', '--listen', `127.0.0.1:${port}`));
  const changes = [{ path: ['listen'], value: `127.0.0.1:${port}` }];
  if (who.override) changes.push({ path: ['accounts', who.account], value: who.override });
  writeFileSync(file, editYaml(readFileSync(file, 'utf8'), changes));
  return port;
}

function addPerson(home, who, key) {
  const shown = sallyport(home, '--json', 'user', 'show', who.user);
  if (shown.ok) {
    const added = sallyport(home, 'user', 'key', 'add', who.user, '--key', key.publicKey);
    if (!added.ok && !/already/.test(added.error)) fail(added.error);
    return;
  }
  if (shown.code !== 3) fail(shown.error);
  const account = who.account ? ['--account', who.account] : [];
  must(sallyport(home, 'user', 'add', who.user, '--key', key.publicKey, '--role', DEMO_ROLE, ...account));
}

/** The role of the shipped policy that may work from anywhere at any hour. */
const DEMO_ROLE = 'engineer';

/** So that the first connection asks nothing. */
function writeKnownHosts(home, port) {
  const file = join(home, 'known_hosts');
  const publicKey = spawnSync('ssh-keygen', ['-y', '-f', join(home, 'state/host_key')], { encoding: 'utf8' });
  if (publicKey.status !== 0) fail(`cannot read the host key: ${publicKey.stderr.trim()}`);
  const [type, data] = publicKey.stdout.trim().split(' ');
  writeFileSync(file, `[127.0.0.1]:${port} ${type} ${data}\n`);
  chmodSync(file, 0o644);
  return file;
}

function sshLine(who, port, key, knownHosts) {
  const identity = key.identity ? ['-i', key.identity, '-o', 'IdentitiesOnly=yes'] : [];
  return [
    'ssh',
    '-p',
    String(port),
    ...identity,
    '-o',
    `UserKnownHostsFile=${/\s/.test(knownHosts) ? `"${knownHosts}"` : knownHosts}`,
    `${who.user}@127.0.0.1`,
  ]
    .map(quote)
    .join(' ');
}

const quote = (word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

function printLines(home, who, ssh) {
  const sudo = isRoot && who.uid !== 0 ? 'sudo ' : '';
  const admin = `${sudo}${quote(bin)} --home ${quote(home)}`;
  say();
  say('Connect from another terminal:');
  say(`  ${ssh}`);
  say();
  say('Then, as the admin, from a third:');
  say(`  ${admin} sessions`);
  say(`  ${admin} audit --follow`);
  say(`  ${admin} lock --user ${who.user} --reason 'trying it out' --for 1m`);
  say();
  if (who.account)
    say(
      `Your shells there belong to the account ${who.account}${who.override?.home ? ', with a home of their own' : ''}.`,
    );
  else say('Your shells there run in a sandbox, with a home of their own.');
  say(`Everything is in ${home}. Ctrl-C ends the broker and every session.`);
}

async function serve(home, onUp) {
  const broker = spawn(process.execPath, [bin, '--home', home, 'serve'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => broker.on('exit', (code, signal) => resolve(code ?? signal)));
  let stopping = false;
  // The first SIGTERM drains, the second ends at once: a demo has nothing to drain for.
  const stop = () => {
    stopping = true;
    broker.kill('SIGTERM');
    setTimeout(() => broker.kill('SIGTERM'), 200).unref();
    setTimeout(() => broker.kill('SIGKILL'), 5000).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  if (await Promise.race([isUp(home), ended.then(() => false)])) onUp();
  const result = await ended;
  if (!stopping) fail(`the broker ended by itself (${result}); see above`);
  say('The broker has ended.');
}

async function isUp(home) {
  for (const end = Date.now() + START_MS; Date.now() < end; ) {
    if (await answers(home)) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

function answers(home) {
  const asking = spawn(process.execPath, [bin, '--home', home, 'status'], { stdio: 'ignore' });
  return new Promise((resolve) => asking.on('exit', (code) => resolve(code === 0)));
}

async function main() {
  prepare();
  const who = person();
  const home = chooseHome();
  ownOnly(home);
  if (await answers(home))
    fail(`a broker runs in ${home} already: end it first, or name another with SALLYPORT_DEMO_HOME`);
  const port = await makeHome(home, who);
  const key = chooseKey(who, home);
  addPerson(home, who, key);
  const ssh = sshLine(who, port, key, writeKnownHosts(home, port));
  await serve(home, () => printLines(home, who, ssh));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
}
