import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
let directory: string | undefined;

/** The program compiled from the present sources, for processes a test starts; built once, removed at exit. */
export function compiledDir(): string {
  if (directory !== undefined) return directory;
  const base = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  process.once('exit', () => rmSync(base, { recursive: true, force: true }));
  chmodSync(base, 0o755);
  symlinkSync(join(root, 'node_modules'), join(base, 'node_modules'));
  writeFileSync(join(base, 'package.json'), '{ "type": "module" }');
  const dist = join(base, 'dist');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json'), '--noCheck', '--outDir', dist]);
  const shell = join(root, 'src/gate/shell');
  if (existsSync(shell)) cpSync(shell, join(dist, 'gate/shell'), { recursive: true });
  directory = dist;
  return dist;
}
