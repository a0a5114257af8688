import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  DEFAULT_YAML,
  editYaml,
  envAllowed,
  findHome,
  limitsFor,
  loadConfig,
  parseAddress,
  parseConfig,
  processLimitsFor,
  userNamespacesFor,
} from '../../src/config/index.js';
import { KNOWN_KEYS } from '../../src/config/schema.js';

function problems(text: string): string[] {
  try {
    parseConfig(text, '/h');
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the shipped default', () => {
  test('says exactly what the defaults are', () => {
    expect(parseConfig(DEFAULT_YAML, '/h')).toEqual(parseConfig('', '/h'));
  });

  test('shows every key', () => {
    for (const key of [...(KNOWN_KEYS[''] ?? []), ...(KNOWN_KEYS.session ?? []), ...(KNOWN_KEYS.limits ?? [])])
      expect(DEFAULT_YAML).toMatch(new RegExp(`^ *${key}:`, 'm'));
  });

  test('keeps its comments when init puts a value in', () => {
    const text = editYaml(DEFAULT_YAML, [
      { path: ['listen'], value: '0.0.0.0:22' },
      { path: ['session', 'idle'], value: '3s' },
      { path: ['accounts', 'nobody'], value: { home: 'private', shell: '/bin/bash' } },
    ]);
    expect(text).toContain('# Where engineers connect');
    expect(text).toMatch(/idle: 3s +# no input/);
    const config = parseConfig(text, '/h');
    expect(config.listen).toEqual({ host: '0.0.0.0', port: 22 });
    expect(config.session.idleMs).toBe(3000);
    expect(config.accounts).toEqual({ nobody: { home: 'private', shell: '/bin/bash' } });
  });
});

describe('a configuration that is wrong', () => {
  test('is refused with every problem at once, each with its line and a hint', () => {
    const text = `listn: x
listen: 2222
isolation: none
session:
  idel: 3m
  idle: 90
  roles: { sre: { hardd: 2h } }
timezone: Mars/Olympus
admins:
  - { uid: 1, user: Bob }
  - { uid: 1, user: bob }
labels: { target: { tier: int, odd: strng } }
targets:
  local: { tier: x, teir: 1, odd: 1 }
  a/../b: {}
env: [LD_PRELOAD, L*]
accounts: { nobody: { home: rel } }
limits: 3
`;
    const found = problems(text);
    const says = (line: number, words: string) =>
      expect(
        found.some((p) => p.startsWith(`/h/sallyport.yaml:${line}: `) && p.includes(words)),
        words,
      ).toBe(true);
    says(1, 'did you mean listen?');
    says(2, 'not HOST:PORT');
    says(3, 'not offered yet');
    says(5, 'did you mean idle?');
    says(6, 'write 90s');
    says(7, 'did you mean hard?');
    says(8, 'not a time zone');
    says(10, 'user names are');
    says(11, 'listed twice');
    says(12, 'not one of string, int, double, bool');
    says(14, 'not of the declared type int');
    says(14, 'did you mean tier?');
    says(15, 'target names are');
    says(16, 'LD_PRELOAD would let clients set');
    says(16, 'L* would let clients set');
    says(17, 'absolute path');
    says(18, 'must be a map of keys');
    expect(found).toHaveLength(17);
    expect(found.every((p) => !p.includes('undefined'))).toBe(true);
  });

  test.each([
    ['a: "x\nb: 1', 'Missing closing'],
    ['listen: 127.0.0.1:1\nlisten: 127.0.0.1:2', 'unique'],
    ['- a list', 'must be a map of keys'],
    [
      'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]',
      'alias',
    ],
    ['session: { recheck: 1ms }', 'at least 50ms'],
    ['session: { hard: 3650d }', 'at most 365d'],
    ['doors: 0', 'whole number from 1'],
    ['listen: "::1:22"', 'not HOST:PORT'],
    ['listen: "h:70000"', 'not HOST:PORT'],
    ['timezone: "+01:00"', 'not a time zone'],
    ['gate: lineonly', 'exec, line-only'],
    ['requests: { roles: sre }', "neither '*' nor a list of roles"],
    ['requests: { roles: [sre, "a b"] }', 'role names are'],
    ['requests: { perUser: 0 }', 'whole number from 1'],
    ['approvals: { wait: 0s }', 'at least 1s'],
    ['approvals: { waits: 1m }', 'did you mean wait'],
  ])('%j is refused', (text, words) => {
    expect(problems(text).join('\n').toLowerCase()).toContain(words.toLowerCase());
  });

  test('never throws anything but its problems, each a single line of plain text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
        for (const line of problems(text)) expect(line).toMatch(/^\/h\/sallyport\.yaml[^\p{Cc}]*$/u);
      }),
    );
  });

  test('is named when it is missing or not text', () => {
    const home = mkdtempSync(join(tmpdir(), 'sp-config-'));
    expect(() => loadConfig(home)).toThrow(/sallyport\.yaml: not found: .*sallyport init/);
    writeFileSync(join(home, 'sallyport.yaml'), Buffer.from([0xff, 0xfe, 0x41]));
    expect(() => loadConfig(home)).toThrow(/not UTF-8/);
  });
});

describe('a configuration that is right', () => {
  test('is frozen through and through', () => {
    const config = parseConfig('session: { roles: { sre: { idle: 5m } } }', '/h');
    expect(Object.isFrozen(config.session.roles.sre)).toBe(true);
    expect(Object.isFrozen(config.targets.local)).toBe(true);
    expect(config.session.roles).toEqual({ sre: { idleMs: 300_000 } });
  });

  test('warns longest first, each once', () => {
    expect(parseConfig('session: { warn: [1m, 10m, 60s] }', '/h').session.warnMs).toEqual([600_000, 60_000]);
  });

  test('always has the target local, and its usual label only while that is declared', () => {
    expect(parseConfig('labels: { target: { tier: int } }', '/h').targets).toEqual({ local: {} });
    const config = parseConfig('targets: { prod/db1: { sensitivity: 3 } }', '/h');
    expect(config.targets).toEqual({ local: {}, 'prod/db1': { sensitivity: 3 } });
  });
});

test('of several roles the shortest limit wins, and a role replaces the general one', () => {
  const config = parseConfig(
    'session: { roles: { sre: { idle: 5m, hard: 2h }, ops: { hard: 24h }, dba: { hard: 1h } } }',
    '/h',
  );
  expect(limitsFor(config, [])).toEqual({ idleMs: 900_000, hardMs: 8 * 3_600_000 });
  expect(limitsFor(config, ['ops', 'other'])).toEqual({ idleMs: 900_000, hardMs: 24 * 3_600_000 });
  expect(limitsFor(config, ['sre', 'ops', 'dba'])).toEqual({ idleMs: 300_000, hardMs: 3_600_000 });
  expect(limitsFor(config, ['constructor'])).toEqual({ idleMs: 900_000, hardMs: 8 * 3_600_000 });
});

describe('what processes may use', () => {
  const config = parseConfig(
    `session:
  limits: { processes: 100, memory: 1GiB, nice: 3 }
  userNamespaces: true
  roles:
    big: { limits: { processes: none, memory: 8GiB, nice: 0 } }
    huge: { limits: { processes: 5000, cpu: none }, userNamespaces: true }
    small: { limits: { memory: 512MiB, nice: 19 }, userNamespaces: false }`,
    '/h',
  );
  test('has defaults', () => {
    expect(parseConfig('', '/h').session.limits).toEqual({
      processes: 1024,
      memory: 4 * 2 ** 30,
      openFiles: 16_384,
      cpuMs: 4 * 3_600_000,
      fileSize: Number.POSITIVE_INFINITY,
      core: 0,
      nice: 5,
    });
  });
  test('is the role’s word, which may be more or less than the general one', () => {
    expect(processLimitsFor(config, ['other'])).toMatchObject({ processes: 100, memory: 2 ** 30, nice: 3 });
    expect(processLimitsFor(config, ['big'])).toMatchObject({
      processes: Number.POSITIVE_INFINITY,
      memory: 2 ** 33,
      nice: 0,
    });
    expect(processLimitsFor(config, ['small'])).toMatchObject({ processes: 100, memory: 2 ** 29, nice: 19 });
  });
  test('of several roles, value by value, the strictest', () => {
    expect(processLimitsFor(config, ['big', 'huge', 'small'])).toMatchObject({
      processes: 5000,
      memory: 2 ** 29,
      cpuMs: Number.POSITIVE_INFINITY,
      nice: 19,
    });
    expect(userNamespacesFor(config, [])).toBe(true);
    expect(userNamespacesFor(config, ['big', 'huge'])).toBe(true);
    expect(userNamespacesFor(config, ['huge', 'small'])).toBe(false);
  });
  test.each([
    ['memory: 512', 'not a size: write 64KiB, 512MiB or 4GiB; or write none'],
    ['memory: 1KiB', 'too small'],
    ['processes: 3', 'whole number from 8'],
    ['cpu: 90', 'write 90s'],
    ['nice: none', 'whole number from 0 to 19'],
    ['proceses: 100', 'did you mean processes?'],
  ])('%s is refused, generally and for a role', (text, words) => {
    expect(problems(`session: { limits: { ${text} } }`).join()).toContain(words);
    const [line] = problems(`session:\n  roles:\n    x: { limits: { ${text} } }`);
    expect(line).toContain('yaml:3: session.roles.x.limits');
    expect(line).toContain(words);
  });
});

test('what loaders and shells obey is never taken from a client, whatever the list says', () => {
  for (const name of ['PATH', 'LD_PRELOAD', 'BASH_ENV', 'BASH_FUNC_x', 'IFS', 'PYTHONSTARTUP', 'a b', ''])
    expect(envAllowed(['*', 'LD_*', 'PATH', name], name), name).toBe(false);
  const { env } = parseConfig('', '/h');
  expect(['LANG', 'LC_ALL', 'LC_TIME', 'TZ', 'COLORTERM'].every((name) => envAllowed(env, name))).toBe(true);
  expect(envAllowed(env, 'FOO')).toBe(false);
  expect(envAllowed(env, 'LANGX')).toBe(false);
});

test('addresses read with brackets for IPv6', () => {
  expect(parseAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(parseAddress('bastion.example:22')).toEqual({ host: 'bastion.example', port: 22 });
  for (const bad of ['22', ':22', '::1:22', 'h:', 'h:x', '[x]:1', 'h:99999'])
    expect(parseAddress(bad), bad).toBeUndefined();
});

describe('the home', () => {
  const none = '/nonexistent/sallyport';
  test('is --home, else the environment, else the system’s, else this directory', () => {
    const dir = mkdtempSync(join(tmpdir(), 'sp-home-'));
    expect(findHome({ home: 'x', env: { SALLYPORT_HOME: '/e' }, cwd: dir, system: dir })).toBe(join(dir, 'x'));
    expect(findHome({ env: { SALLYPORT_HOME: '/e' }, cwd: dir, system: dir })).toBe('/e');
    expect(findHome({ env: {}, cwd: '/', system: dir })).toBe(dir);
    expect(() => findHome({ env: {}, cwd: dir, system: none })).toThrow(/no sallyport home/);
    writeFileSync(join(dir, 'sallyport.yaml'), '');
    expect(findHome({ env: {}, cwd: dir, system: none })).toBe(dir);
  });
});
