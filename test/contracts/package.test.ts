import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../cli/run.js';
import { root } from './sources.js';

let dir: string;
let program: string;

/** Packs the tree as built, and installs it beside nothing but its declared dependencies. */
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-package-'));
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir];
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const [tarball = ''] = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  const installed = join(dir, 'node_modules/sallyport');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(dir, tarball), '-C', installed, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(dir, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(dir, 'node_modules', name));
  }
  program = join(installed, 'bin/sallyport');
}, 60_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('the package', () => {
  it('holds what runs, and neither sources, tests nor secrets', () => {
    const found = readdirSync(dirname(dirname(program))).sort();
    expect(found).toEqual(expect.arrayContaining(['bin', 'dist', 'package.json', 'policies']));
    for (const name of ['src', 'test', 'scripts', 'bench', 'node_modules', 'demo-home', 'recordings'])
      expect(found).not.toContain(name);
  });

  it('makes a home and works on it', () => {
    const home = join(dir, 'home');
    expect(sallyport(['--version'], {}, program)).toMatchObject({ code: 0, stderr: '' });
    expect(sallyport(['--home', home, 'init'], {}, program)).toMatchObject({ code: 0, stderr: '' });
    expect(sallyport(['--home', home, 'policy', 'check'], {}, program).code).toBe(0);
    expect(sallyport(['--home', home, 'grants'], {}, program)).toMatchObject({ code: 0, stdout: 'no grants\n' });
    expect(sallyport(['doctor'], {}, program).stdout).toContain(process.versions.node);
  });

  it('brings the shell hooks that its line gate sources', () => {
    const hooks = (where: string) => readdirSync(join(where, 'gate/shell')).sort();
    expect(hooks(join(dirname(dirname(program)), 'dist'))).toEqual(hooks(join(root, 'src')));
  });
});
