// What demo and check need before anything else: system packages, node_modules, a fresh dist. Plain Node, no packages.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Commands by the Debian package that brings them. */
const RUN = {
  bubblewrap: ['bwrap'],
  'util-linux': ['setpriv'],
  'openssh-client': ['ssh', 'ssh-keygen'],
  bash: ['bash'],
};
const COMPILE = { 'g++': ['g++'], make: ['make'], python3: ['python3'] };
const TEST = {
  'openssh-server': ['sshd'],
  tmux: ['tmux'],
  expect: ['expect'],
  asciinema: ['asciinema'],
  procps: ['ps', 'pkill'],
  git: ['git'],
  python3: ['python3'],
  gcc: ['gcc'],
  make: ['make'],
  busybox: ['busybox'],
  zsh: ['zsh'],
  openssl: ['openssl'],
  vim: ['vim'],
  less: ['less'],
  'man-db': ['man'],
  screen: ['screen'],
  fish: ['fish'],
  rsyslog: ['rsyslogd'],
};

/** Ordinary users' PATH often lacks where sshd lives. */
const EXTRA_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

function has(command) {
  const places = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_PATH];
  return places.some((place) => {
    try {
      accessSync(join(place, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The packages missing for running (and, with `tests`, for testing) sallyport; compilers only where still needed. */
export function missingPackages({ tests = false } = {}) {
  const wanted = { ...RUN, ...(modulesComplete() ? {} : COMPILE), ...(tests ? TEST : {}) };
  return Object.entries(wanted).flatMap(([name, commands]) => (commands.every(has) ? [] : [name]));
}

export function describeMissing(packages) {
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `missing system packages: ${packages.join(', ')}; on Debian or Ubuntu: ${sudo}apt-get install -y ${packages.join(' ')}`;
}

/** Node's version against package.json's engines, in words, or undefined when it fits. */
export function nodeProblem() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  return fits
    ? undefined
    : `Node ${process.versions.node} does not fit: sallyport needs 20.19 or later, 22.12 or later, or 24`;
}

/** ssh and ssh-keygen do not run for a uid without an entry in the password database. */
export function callerProblem() {
  try {
    userInfo();
    return undefined;
  } catch {
    return `uid ${process.getuid()} has no name on this machine (getent passwd), and ssh does not run without one`;
  }
}

/** True when node_modules holds what package-lock.json names, native parts built. */
export function modulesComplete() {
  const installed = lockedPackages(join(root, 'node_modules/.package-lock.json'));
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  if (!installed || !wanted) return false;
  const same = ([path, entry]) => path === '' || installed[path]?.version === entry.version || skippable(entry);
  const native = ['build/Release/pty.node', `prebuilds/linux-${process.arch}/pty.node`].map((part) =>
    join(root, 'node_modules/node-pty', part),
  );
  return Object.entries(wanted).every(same) && native.some((path) => existsSync(path));
}

// Optional packages are for other systems; npm leaves them out.
const skippable = (entry) => entry.optional === true || entry.devOptional === true;

function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Runs a command of the source tree, its output shown; true when it ended with 0. */
export function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  return status === 0;
}

/** Installs node_modules where missing or stale; false when that failed. */
export function ensureModules() {
  if (modulesComplete()) return true;
  // npm ci would empty what the link leads to.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stdout.write(
      'node_modules is a link to what package-lock.json does not name: install there, or remove it\n',
    );
    return false;
  }
  process.stdout.write('installing what package-lock.json names (npm ci); a minute or so\n');
  return run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error']);
}

export function build() {
  return run(process.execPath, [join(root, 'scripts/build.mjs')]);
}

/** Builds where dist is missing or older than a source; false when that failed. */
export function ensureBuilt() {
  // The last thing a build makes: it is missing where one stopped half-way.
  const built = statSync(join(root, 'dist/gate/shell'), { throwIfNoEntry: false });
  const sources = [...filesBelow(join(root, 'src')), join(root, 'package.json'), join(root, 'tsconfig.json')];
  const stale = !built || sources.some((file) => statSync(file).mtimeMs > built.mtimeMs);
  if (!stale) return true;
  process.stdout.write('compiling\n');
  return build();
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
