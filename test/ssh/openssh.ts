/** The real client, with nothing of this machine's configuration. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Ran {
  code: number | null;
  out: Buffer;
  err: string;
}

export type KeyKind = 'ed25519' | 'ecdsa-256' | 'ecdsa-384' | 'ecdsa-521' | 'rsa-2048' | 'rsa-1024';

export class OpenSsh {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-ssh-'));
  readonly #children = new Set<ChildProcess>();

  makeKey(kind: KeyKind): { file: string; blob: string } {
    const file = join(this.dir, kind);
    const [type = '', bits] = kind.split('-');
    execFileSync('ssh-keygen', ['-q', '-t', type, ...(bits ? ['-b', bits] : []), '-N', '', '-f', file]);
    return { file, blob: readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '' };
  }

  file(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  common(port: number, key: string): string[] {
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'IdentitiesOnly=yes',
      'BatchMode=yes',
      'LogLevel=ERROR',
    ];
    return ['-F', 'none', '-o', `Port=${port}`, '-i', key, ...options.flatMap((option) => ['-o', option])];
  }

  start(program: string, args: string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: this.dir, ...env } });
    this.#children.add(child);
    for (const stream of child.stdio) stream?.on('error', () => {});
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  run(program: string, args: string[], input: Buffer | string = '', env: Record<string, string> = {}): Promise<Ran> {
    const child = this.start(program, args, env);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk) => out.push(chunk));
    child.stderr?.on('data', (chunk) => err.push(chunk));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    return new Promise((resolve) => {
      child.once('close', (code) => resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err).toString() }));
    });
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}
