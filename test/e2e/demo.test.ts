import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../contracts/sources.js';

let dir: string;
let demo: Demo;

interface Demo {
  process: ChildProcess;
  output: string;
  /** The line the demo says to type. */
  ssh: string;
  ended: Promise<number | null>;
}

/** Runs the demo as a newcomer would, with a home of its own, until it has said what to type. */
async function startDemo(): Promise<Demo> {
  const env = { ...process.env, SALLYPORT_DEMO_HOME: join(dir, 'demo home'), SALLYPORT_DEMO_KEY: 'new' };
  const child = spawn(process.execPath, [join(root, 'scripts/demo.mjs')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data;
      if (output.includes('Ctrl-C ends')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then((code) => reject(new Error(`the demo ended with ${code}: ${output}`)));
  });
  const ssh = /^ {2}(ssh .*)$/m.exec(output)?.[1] ?? '';
  return { process: child, output, ssh, ended };
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
  chmodSync(dir, 0o755);
  demo = await startDemo();
}, 120_000);

afterAll(async () => {
  demo?.process.kill('SIGINT');
  await demo?.ended;
  rmSync(dir, { recursive: true, force: true });
});

const bash = (line: string) => spawnSync('bash', ['-c', line], { encoding: 'utf8', input: '' });

describe('the demo', () => {
  it('prints an ssh line that opens a session and asks nothing', () => {
    const ran = bash(`${demo.ssh} -o BatchMode=yes 'echo it works; id -u'`);
    expect(ran.stderr).not.toContain('authenticity');
    expect(ran.stdout).toMatch(/^it works\n[1-9]\d*\n$/);
    expect(ran.status).toBe(0);
  });

  it('refuses what the shipped policy denies', () => {
    const ran = bash(`${demo.ssh} -o BatchMode=yes 'rm -rf /tmp/nothing'`);
    expect(ran.status).toBe(126);
    expect(ran.stdout + ran.stderr).toContain('no-wipe');
  });

  it('prints admin lines that work as they are', () => {
    const lines = [...demo.output.matchAll(/^ {2}((?:sudo )?\S*bin\/sallyport .*)$/gm)].map((m) => m[1] ?? '');
    expect(lines).toHaveLength(3);
    for (const line of lines.filter((text) => !text.includes('--follow')))
      expect(bash(line)).toMatchObject({ status: 0, stderr: '' });
    // The last of them locks the user it was tried with.
    expect(bash(`${demo.ssh} -o BatchMode=yes true`).status).not.toBe(0);
  });

  it('ends everything at Ctrl-C, and goes on with the same home', async () => {
    const port = Number(/-p (\d+)/.exec(demo.ssh)?.[1]);
    const hostKey = readFileSync(join(dir, 'demo home/state/host_key'), 'utf8');
    demo.process.kill('SIGINT');
    expect(await demo.ended).toBe(0);
    expect(await accepts(port)).toBe(false);
    expect(existsSync(join(dir, 'demo home/run/control.sock'))).toBe(false);
    demo = await startDemo();
    expect(readFileSync(join(dir, 'demo home/state/host_key'), 'utf8')).toBe(hostKey);
  }, 60_000);
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => socket.destroy());
  });
}
