/** The command line as a person without privilege runs it; needs root, to become them. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Ran, TestBroker } from './broker.js';
import { installPackage } from './installed.js';

const BIN = fileURLToPath(new URL('../../bin/sallyport', import.meta.url));

export interface OtherUid {
  cli(...args: string[]): Promise<Ran>;
  start(...args: string[]): ChildProcessWithoutNullStreams;
}

/** A number that needs no entry in /etc/passwd. */
export function otherUid(broker: TestBroker, uid: number): OtherUid {
  const bin = binFor(uid);
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
        for (const stream of child.stdio) stream?.on('error', () => {});
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

let installed: string | undefined;

/** This tree's program where that uid can read it, else a copy of it with all it stands on. */
function binFor(uid: number): string {
  if (canRun(uid)) return BIN;
  installed ??= installPackage();
  return installed;
}

function canRun(uid: number): boolean {
  try {
    const args = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, BIN, '--version'];
    execFileSync('setpriv', args, { stdio: 'ignore', cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
