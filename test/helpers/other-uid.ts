/** The command line as a person without privilege runs it; needs root, to become them. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ran, TestBroker } from './broker.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface OtherUid {
  cli(...args: string[]): Promise<Ran>;
  start(...args: string[]): ChildProcessWithoutNullStreams;
}

/** A number that needs no entry in /etc/passwd. */
export function otherUid(broker: TestBroker, uid: number): OtherUid {
  const bin = binFor(uid, broker.dir);
  const start = (...args: string[]) => {
    const who = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const { PATH } = process.env;
    const words = [...who, process.execPath, bin, '--home', broker.home, ...args];
    return spawn('setpriv', words, { cwd: '/', env: { PATH, HOME: '/', LANG: 'C.UTF-8' } });
  };
  return {
    start,
    cli: (...args) =>
      new Promise((resolve) => {
        const child = start(...args);
        const ran: Ran = { code: -1, stdout: '', stderr: '' };
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          ran.stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          ran.stderr += text;
        });
        child.once('close', (code) => resolve({ ...ran, code: code ?? -1 }));
      }),
  };
}

/** This tree's program where that uid can read it, else a copy of it with all it stands on. */
function binFor(uid: number, dir: string): string {
  const bin = join(ROOT, 'bin/sallyport');
  if (canRun(uid, bin)) return bin;
  const copy = join(dir, 'installed');
  const installed = join(copy, 'bin/sallyport');
  if (canRun(uid, installed)) return installed;
  mkdirSync(copy, { mode: 0o755 });
  for (const name of ['bin', 'dist', 'policies', 'package.json'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const name of dependenciesOf('', new Set())) {
    mkdirSync(dirname(join(copy, 'node_modules', name)), { recursive: true });
    cpSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name), { recursive: true, dereference: true });
  }
  execFileSync('chmod', ['-R', 'a+rX', copy]);
  return installed;
}

function canRun(uid: number, bin: string): boolean {
  try {
    const args = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, bin, '--version'];
    execFileSync('setpriv', args, { stdio: 'ignore', cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/** Names below node_modules, of a package's dependencies and theirs; nested ones come along with their parents. */
function dependenciesOf(name: string, seen: Set<string>): Set<string> {
  const file = name === '' ? join(ROOT, 'package.json') : join(ROOT, 'node_modules', name, 'package.json');
  for (const next of Object.keys(packageAt(file).dependencies ?? {}))
    if (!seen.has(next)) dependenciesOf(next, seen.add(next));
  return seen;
}

function packageAt(file: string): { dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, 'utf8'));
}
