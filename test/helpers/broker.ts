import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { openTerminal, type Terminal } from './terminal.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BIN = join(ROOT, 'bin/sallyport');
const isRoot = process.getuid?.() === 0;

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface BrokerOptions {
  /** Replaces keys of the default configuration. */
  config?: Record<string, unknown>;
  /** policy.csv; the shipped one when absent. */
  policy?: string;
  /** Role of the user `alice`; `engineer` by default, `null` for none. */
  role?: string | null;
  /** An installed program and a number without privilege to run it as, instead of this tree and this user. */
  as?: { uid: number; bin: string };
}

export interface TestBroker {
  readonly home: string;
  readonly port: number;
  readonly dir: string;
  readonly process: ChildProcess;
  /** What the broker has printed. */
  log(): string;
  cli(...args: string[]): Promise<Ran>;
  json<T = Record<string, unknown>>(...args: string[]): Promise<T>;
  sshArgs(...extra: string[]): string[];
  /** `ssh host command`, without a terminal. */
  exec(command: string, input?: string | Buffer): Promise<Ran>;
  /** An interactive ssh in a real terminal, at its first prompt. */
  shell(...extra: string[]): Promise<Terminal>;
  /** As shell, without waiting for a prompt. */
  terminal(...extra: string[]): Terminal;
  restart(): Promise<void>;
  /** Ends everything and removes the home. */
  stop(): Promise<void>;
}

/** A policy under which alice may do everything but wipe. */
export const OPEN_POLICY = `
p, all,     engineer, *, *,                        true, allow, checked
p, login,   engineer, *, @login,                   true, allow, checked
p, session, engineer, *, @session,                 true, allow, checked
p, exec,    engineer, *, @exec,                    true, allow, checked
p, no-rm,   *,        *, rm {-r|-R|--recursive} **, true, deny,  checked
p, no-wall, *,        *, wall **,                  true, deny,  checked
`;

/** A prompt no output of a command looks like. */
export const PROMPT = 'ready$ ';

/** Starts a real broker of a new home, with the user alice, whose key is real, and waits until it takes connections. */
export async function startBroker(options: BrokerOptions = {}): Promise<TestBroker> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
  chmodSync(dir, 0o755);
  const home = join(dir, 'home');
  const key = join(dir, 'key');
  if (options.as) chownSync(dir, options.as.uid, options.as.uid);
  const run = (program: string, args: string[], input?: string | Buffer) => runAs(options.as, program, args, input);
  const bin = options.as?.bin ?? BIN;
  const cli = (...args: string[]) => run(process.execPath, [bin, '--home', home, ...args]);
  const must = async (ran: Promise<Ran>) => {
    const r = await ran;
    if (r.code !== 0) throw new Error(`exit ${r.code}: ${r.stderr}${r.stdout}`);
    return r;
  };
  await must(run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'alice@test', '-f', key]));
  await must(run(process.execPath, [bin, '--home', home, 'init', '--listen', '127.0.0.1:0']));
  configure(home, options);
  const account = isRoot && !options.as ? ['--account', 'nobody'] : [];
  const roles = options.role === null ? [] : ['--role', options.role ?? 'engineer'];
  await must(cli('user', 'add', 'alice', '--key', `${key}.pub`, ...account, ...roles));
  prepareShellHome(home, options.as?.uid);
  let serving = await serve(bin, home, options.as);
  // ssh takes the first value it is given for an option: what a test says comes first.
  const sshArgs = (...extra: string[]) => [
    ...extra,
    ...['-F', 'none', '-p', String(serving.port), '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
    'alice@127.0.0.1',
  ];
  const terminals: Terminal[] = [];
  const terminal = (...extra: string[]) => {
    const t = openTerminal('ssh', sshArgs('-tt', ...extra));
    terminals.push(t);
    return t;
  };
  const stopServing = async () => {
    const { child } = serving;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGTERM'), 100).unref();
    const timer = setTimeout(() => child.kill('SIGKILL'), 8_000);
    await ended;
    clearTimeout(timer);
  };
  return {
    home,
    dir,
    get port() {
      return serving.port;
    },
    get process() {
      return serving.child;
    },
    log: () => serving.log(),
    cli,
    async json<T>(...args: string[]) {
      const { stdout } = await must(cli('--json', ...args));
      return JSON.parse(stdout) as T;
    },
    sshArgs,
    exec: (command, input) => runAs(undefined, 'ssh', [...sshArgs('-T'), command], input),
    async shell(...extra) {
      const t = terminal(...extra);
      await t.waitFor(PROMPT, { timeoutMs: 20_000 });
      return t;
    },
    terminal,
    async restart() {
      await stopServing();
      serving = await serve(bin, home, options.as);
    },
    async stop() {
      for (const t of terminals) t.kill();
      await stopServing();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function configure(home: string, options: BrokerOptions): void {
  const base = { listen: '127.0.0.1:0', ...(isRoot && !options.as ? ACCOUNTS : {}), ...options.config };
  writeFileSync(join(home, 'sallyport.yaml'), stringify(base));
  if (options.policy !== undefined) writeFileSync(join(home, 'policies', 'policy.csv'), options.policy);
}

const ACCOUNTS = { accounts: { nobody: { home: 'private', shell: '/bin/bash' } } };

/** A home with a known prompt, as an engineer's own rc file would set it. */
function prepareShellHome(home: string, uid: number | undefined): void {
  const shellHome = shellHomeOf(home, uid);
  mkdirSync(shellHome, { recursive: true, mode: 0o700 });
  writeFileSync(join(shellHome, '.bashrc'), `PS1='${PROMPT}'\n`);
  writeFileSync(join(shellHome, '.bash_profile'), '. ~/.bashrc\n');
  const owner = uid ?? (isRoot ? 65_534 : undefined);
  if (owner === undefined) return;
  chownSync(join(home, 'homes'), uid ?? 0, uid ?? 0);
  for (const path of [shellHome, join(shellHome, '.bashrc'), join(shellHome, '.bash_profile')])
    chownSync(path, owner, owner);
}

/** Where the sessions of alice have their home, seen from outside. */
export function shellHomeOf(home: string, uid?: number): string {
  return join(home, 'homes', isRoot && uid === undefined ? 'nobody' : 'alice');
}

interface Serving {
  child: ChildProcess;
  port: number;
  log(): string;
}

function serve(bin: string, home: string, as: BrokerOptions['as']): Promise<Serving> {
  const [program, args] = command(as, process.execPath, [bin, '--home', home, 'serve']);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  let text = '';
  return new Promise((resolve, reject) => {
    const see = (chunk: Buffer) => {
      text += chunk.toString();
      const port = /listening on [^ ]*:(\d+),/.exec(text)?.[1];
      if (port) resolve({ child, port: Number(port), log: () => text });
    };
    child.stdout.on('data', see);
    child.stderr.on('data', see);
    child.once('exit', (code) => reject(new Error(`serve ended (${code}): ${text}`)));
  });
}

function command(as: BrokerOptions['as'], program: string, args: string[]): [string, string[]] {
  if (!as) return [program, args];
  return ['setpriv', [`--reuid=${as.uid}`, `--regid=${as.uid}`, '--clear-groups', program, ...args]];
}

/** What a person's shell would hand down, without what a test runner adds. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, LANG } = process.env;
  return { PATH, LANG: LANG ?? 'C.UTF-8', HOME: tmpdir() };
}

function runAs(as: BrokerOptions['as'], program: string, args: string[], input?: string | Buffer): Promise<Ran> {
  const [p, a] = command(as, program, args);
  return new Promise((resolve) => {
    const child = execFile(
      p,
      a,
      { env: environment(), maxBuffer: 1 << 30, timeout: 60_000, encoding: 'buffer' },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        resolve({ code, stdout: stdout.toString(), stderr: stderr.toString() });
      },
    );
    for (const stream of child.stdio) stream?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
