import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCycle, readSources, root, type SourceFile, withoutComments } from './sources.js';

/** Which rooms each room may import. */
const ARROWS: Record<string, readonly string[]> = {
  core: [],
  policy: ['core'],
  command: ['core', 'policy'],
  wire: ['core', 'policy'],
  config: ['core', 'policy'],
  os: ['core'],
  pty: ['core', 'os', 'wire'],
  store: ['core', 'os', 'policy'],
  record: ['core', 'wire'],
  ssh: ['core'],
  gate: ['core', 'policy', 'command'],
  mfa: ['core'],
  authority: ['core', 'policy', 'config', 'store', 'mfa'],
  session: ['core', 'policy', 'wire', 'record', 'gate'],
  helper: ['core', 'wire', 'os'],
  feeds: ['core', 'policy', 'config', 'wire', 'helper'],
  hooks: ['core', 'config', 'wire', 'os', 'store', 'helper'],
  watch: ['core', 'wire', 'os', 'record', 'helper'],
  guard: ['core', 'policy', 'wire', 'os', 'pty', 'gate'],
  door: ['core', 'policy', 'wire', 'config', 'os', 'pty', 'record', 'gate', 'session', 'ssh'],
  control: ['core', 'policy', 'command', 'wire', 'config', 'os', 'store', 'authority', 'record', 'gate'],
  keeper: [
    ...[
      'core',
      'policy',
      'wire',
      'config',
      'os',
      'store',
      'authority',
      'record',
      'session',
      'ssh',
      'guard',
      'control',
      'feeds',
      'hooks',
      'mfa',
    ],
  ],
  cli: ['core', 'feeds', 'config', 'store', 'authority', 'record', 'ssh', 'guard', 'control', 'keeper'],
};

/** Where each library may be imported; `everywhere` for those that are part of the language here. */
const LIBRARIES: Record<string, readonly string[] | 'everywhere'> = {
  '@marcbachmann/cel-js': ['policy'],
  '@xterm/addon-unicode11': ['watch'],
  '@xterm/headless': ['watch'],
  casbin: ['policy'],
  'csv-parse': ['policy'],
  commander: ['cli'],
  fastify: ['control'],
  koffi: ['os'],
  lowdb: ['store'],
  'mmdb-lib': ['feeds'],
  otpauth: ['mfa'],
  'node-pty': ['pty'],
  ssh2: ['ssh'],
  ulid: ['core'],
  unbash: ['command'],
  uqr: ['cli'],
  yaml: ['config'],
  zod: 'everywhere',
};

const MAX_LINES = 400;

const sources = readSources();
const places = (found: readonly SourceFile[]) => found.map((f) => f.path);

describe('rooms', () => {
  it('are all known, with the rooms they may import', () => {
    expect([...new Set(sources.map((f) => f.room))].filter((room) => !Object.hasOwn(ARROWS, room))).toEqual([]);
  });

  it('may not import each other in a circle', () => {
    expect(findCycle(new Map(Object.entries(ARROWS)))).toBeUndefined();
  });

  it('import only what their arrows allow', () => {
    const wrong = sources.flatMap((f) =>
      f.imports.filter((to) => !mayImport(f.room, to.split('/')[0] ?? '')).map((to) => `${f.path} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it('hold no files that load each other in a circle', () => {
    expect(findCycle(new Map(sources.map((f) => [f.path, f.loads])))).toBeUndefined();
  });
});

const mayImport = (from: string, to: string) => from === to || (ARROWS[from] ?? []).includes(to);

describe('libraries', () => {
  it('are imported in their rooms alone', () => {
    const wrong = sources.flatMap((f) =>
      f.packages.filter((name) => !mayUse(f.room, name)).map((name) => `${f.path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are each a dependency of the package, and each dependency has its room', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies).sort()).toEqual(Object.keys(LIBRARIES).sort());
  });
});

function mayUse(room: string, name: string): boolean {
  const rooms = Object.hasOwn(LIBRARIES, name) ? LIBRARIES[name] : undefined;
  return rooms === 'everywhere' || (rooms?.includes(room) ?? false);
}

describe('files', () => {
  it(`are no longer than ${MAX_LINES} lines`, () => {
    const long = allFiles().filter((path) => readFileSync(path, 'utf8').split('\n').length > MAX_LINES + 1);
    expect(long).toEqual([]);
  });

  it('read no clock and set no timer outside core/clock', () => {
    const clocks = /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.(now|timeOrigin)\b|\bset(Timeout|Interval)\b/;
    const wrong = sources.filter((f) => f.path !== 'core/clock.ts' && clocks.test(withoutComments(f.text)));
    expect(places(wrong)).toEqual([]);
  });

  it('name no place of the machine they were written on', () => {
    const machine = /(?<![\w.*-])\/(work|shared)\/(main|shared|design)/;
    const wrong = allFiles().filter(
      (path) => path !== import.meta.filename && machine.test(readFileSync(path, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });
});

/** Every file people write: sources, tests, scripts and documents. */
function allFiles(): string[] {
  return ['bin', 'src', 'test', 'scripts', 'bench', 'policies', 'docs', '.ci'].flatMap((name) =>
    below(join(root, name)),
  );
}

function below(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => below(join(path, name)));
}
