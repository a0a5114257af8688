/** The broker as an admin would start it, in a home of its own; gates, recording and re-check are on by default. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import YAML from 'yaml';
import { onCleanup, stopTree } from './cleanup.mjs';
import { program } from './paths.mjs';
import { treeOf } from './processes.mjs';
import { freePort } from './workspace.mjs';

/**
 * options.config: changes to sallyport.yaml, as [path, value]; options.policy: text added to policy.csv;
 * options.prepare: what is to be done to the home before the broker starts.
 */
export async function startSallyport({ dir, publicKeyFile }, options = {}) {
  const home = join(dir, 'home');
  const port = await freePort();
  const run = (...args) =>
    execFileSync(process.execPath, [program, '--home', home, ...args], { encoding: 'utf8', stdio: 'pipe' });
  run('init', '--listen', `127.0.0.1:${port}`);
  configure(home, options);
  await options.prepare?.(home);
  run('user', 'add', 'bench', '--key', publicKeyFile, '--account', 'nobody', '--role', 'engineer');
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), program, '--home', home, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onCleanup(() => stopTree(child, { signal: 'SIGTERM' }));
  await serving(child);
  return {
    name: 'sallyport',
    port,
    user: 'bench',
    home,
    socket: join(home, 'run/control.sock'),
    pid: child.pid,
    processes: () => treeOf(child.pid),
  };
}

function configure(home, { config = [], policy = '' }) {
  const file = join(home, 'sallyport.yaml');
  const document = YAML.parseDocument(readFileSync(file, 'utf8'));
  const changes = [
    [['isolation'], 'account'],
    [['session', 'drain'], '1s'],
    [['accounts'], { nobody: { home: 'private', shell: '/bin/bash' } }],
    [['limits', 'sessionsPerUser'], 400],
    [['limits', 'connectionsPerSource'], 1000],
    ...config,
  ];
  for (const [path, value] of changes) document.setIn(path, document.createNode(value));
  writeFileSync(file, document.toString());
  const policyFile = join(home, 'policies/policy.csv');
  if (policy) writeFileSync(policyFile, `${readFileSync(policyFile, 'utf8')}\n${policy}\n`);
}

function serving(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      if (/^sallyport: ready:/m.test(text)) resolve();
    });
    child.stderr.on('data', (data) => {
      text += data;
      if (process.env.BENCH_DEBUG) process.stderr.write(data);
    });
    child.once('exit', (code) => reject(new Error(`sallyport serve ended with ${code}: ${text}`)));
    setTimeout(() => reject(new Error(`sallyport serve: not ready in 20 s: ${text}`)), 20_000).unref();
  });
}
