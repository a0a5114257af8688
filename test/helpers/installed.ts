import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { root } from '../contracts/sources.js';

/** What packages bring for other systems and for their own building. */
const USELESS = /\/(?:prebuilds\/(?:win32|darwin)|third_party|deps|obj\.target)/;

/**
 * The package as `npm pack` makes it, installed with the packages it depends on where every account can read it.
 * Returns its command. It lies in the tests' own directory and goes with it.
 */
export function installPackage(): string {
  const dir = mkdtempSync(join(tmpdir(), 'package-'));
  chmodSync(dir, 0o755);
  const run = (program: string, args: string[], cwd = root) =>
    execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir]);
  const [tarball = ''] = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  const installed = join(dir, 'sallyport');
  mkdirSync(installed);
  run('tar', ['-xzf', join(dir, tarball), '-C', installed, '--strip-components=1']);
  // Where node_modules is a link, npm takes what lies behind it for packages to be built.
  const tree = dirname(realpathSync(join(root, 'node_modules')));
  const needed = run('npm', ['ls', '--omit=dev', '--all', '--parseable'], tree).trim().split('\n');
  for (const path of needed.filter((p) => p.startsWith(join(tree, 'node_modules/'))))
    cpSync(path, join(installed, relative(tree, path)), { recursive: true, filter: (file) => !USELESS.test(file) });
  run('chmod', ['-R', 'a+rX', installed]);
  return join(installed, 'bin/sallyport');
}
