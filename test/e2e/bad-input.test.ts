import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sallyport, scratch } from '../cli/run.js';
import { startBroker, type TestBroker } from '../helpers/broker.js';

/** A good home, never run, with a user and a grant in it; tests damage copies of it. */
const good = scratch();
let copies = 0;
const newDir = () => join(good.dir, `copy-${++copies}`);

function copy(): string {
  const home = newDir();
  cpSync(good.home, home, { recursive: true, preserveTimestamps: true });
  return home;
}

/** Everything in a directory, by path: mode and contents. The lock names who has it at the moment. */
function everything(dir: string, but: readonly string[] = []): Record<string, string> {
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
    (path) => ![...but, 'state/lock'].includes(path),
  );
  return Object.fromEntries(paths.sort().map((path) => [path, describeFile(join(dir, path))]));
}

function describeFile(path: string): string {
  const stat = statSync(path);
  const what = stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
  return `${stat.mode.toString(8)} ${what}`;
}

/** What a refusal is: the exit code, nothing on stdout, and on stderr these lines and no more. */
function refused(ran: { code: number | null; stdout: string; stderr: string }, code: number, ...lines: RegExp[]): void {
  const said = ran.stderr.trimEnd().split('\n');
  for (const [i, line] of lines.entries()) expect(said[i]).toMatch(line);
  for (const line of said) expect(line).toMatch(/^sallyport: /);
  expect(said).toHaveLength(lines.length);
  expect(ran).toMatchObject({ code, stdout: '' });
}

beforeAll(() => {
  expect(good.run('init', '--listen', '127.0.0.1:0').code).toBe(0);
  expect(good.run('user', 'add', 'alice', '--key', good.key, '--role', 'engineer').code).toBe(0);
  expect(good.run('grant', 'alice', '--role', 'sre', '--for', '2h', '--reason', 'INC-1').code).toBe(0);
});
afterAll(() => good.remove());

describe('a configuration', () => {
  it.each([
    ['that is no YAML', 'listen: [\n', [/sallyport\.yaml:\d: .+/]],
    [
      'with mistakes: each is named on a line of its own',
      'lisen: 127.0.0.1:1\nfoo: 1\ndoors: many\ntimezone: Mars/Olympus\nsession:\n  idle: 15x\nlimits: 5\n',
      [
        /yaml:1: lisen: unknown key: did you mean listen\?$/,
        /yaml:2: foo: unknown key: known here are /,
        /yaml:3: doors: "many" is not a whole number from 1 to 64$/,
        /yaml:4: timezone: /,
        /yaml:6: session\.idle: "15x" .*write 90s, 15m/,
        /yaml:7: limits: must be a map of keys$/,
      ],
    ],
  ])('%s', (_what, text, lines) => {
    const home = copy();
    writeFileSync(join(home, 'sallyport.yaml'), text);
    const before = everything(home);
    for (const command of [['serve'], ['grants']]) refused(sallyport(['--home', home, ...command]), 1, ...lines);
    expect(everything(home)).toEqual(before);
  });
});

describe('a policy', () => {
  let rows = 0;
  const row = (rest: string) => `p, new-${++rows}, engineer, *, ${rest}`;
  const MISTAKES: [string, RegExp][] = [
    [row('ls'), /a p row has seven fields .*, this one 4; .*double quotes/],
    [row("ls, cidr(source.ip, '::/0'), allow, checked"), /double quotes/],
    [row('ls, true, alow, checked'), /the effect is allow or deny, not 'alow'/],
    [row('ls, true, allow, chekced'), /children is checked, trusted or none, not 'chekced'/],
    [
      row('ls, target.sensitvity > 1, allow, checked'),
      /target\.sensitvity is not a known fact.*did you mean target\.sensitivity\?/,
    ],
    [row('ls, risk.score <, allow, checked'), /the end in: risk\.score </],
    [row('@lgin, true, allow, checked'), /@lgin is not an action; known are @login/],
    ['q, a, b', /a row starts with p, g or g2, not 'q'/],
  ];

  it('with mistakes is refused, each named on a line of its own by file and line', () => {
    const home = copy();
    const file = join(home, 'policies/policy.csv');
    const first = readFileSync(file, 'utf8').split('\n').length;
    appendFileSync(file, MISTAKES.map(([text]) => `${text}\n`).join(''));
    const before = everything(home);
    const lines = MISTAKES.map(([, words], i) => new RegExp(`policies/policy\\.csv:${first + i}: .*${words.source}`));
    refused(sallyport(['--home', home, 'serve']), 1, ...lines);
    const checked = sallyport(['--home', home, 'policy', 'check']);
    expect(checked.code).toBe(1);
    for (const line of lines) expect(checked.stdout).toMatch(line);
    expect(everything(home)).toEqual(before);
  });

  it('that is not there, or whose model is broken, is refused', () => {
    const home = copy();
    rmSync(join(home, 'policies/policy.csv'));
    refused(sallyport(['--home', home, 'serve']), 1, /policies\/policy\.csv: cannot be read/);
    const other = copy();
    writeFileSync(join(other, 'policies/model.conf'), '[request\n');
    refused(sallyport(['--home', other, 'serve']), 1, /policies\/model\.conf:1: neither a \[section\] nor key = value/);
  });
});

describe('a key file', () => {
  const make = (name: string, ...args: string[]) => {
    const file = join(good.dir, name);
    if (!existsSync(file)) execFileSync('ssh-keygen', ['-q', '-N', '', '-f', file, ...args]);
    return file;
  };
  const write = (name: string, bytes: string | Buffer) => {
    writeFileSync(join(good.dir, name), bytes);
    return join(good.dir, name);
  };
  it.each([
    ['that is a private key', () => good.key.replace(/\.pub$/, ''), /key: this is a private key: give the public one/],
    ['that is garbage', () => write('garbage', randomBytes(300)), /garbage:\d+: this is not a public key: give a line/],
    ['that is empty', () => write('empty', ''), /empty: there is no public key in it/],
    ['that is damaged', () => write('cut', `# old\nssh-ed25519 AAAA me`), /cut:2: the key is damaged/],
    [
      'of RSA with 1024 bits',
      () => `${make('rsa', '-t', 'rsa', '-b', '1024')}.pub`,
      /rsa\.pub:1: .*1024 bits is too weak/,
    ],
    ['that is not there', () => join(good.dir, 'none.pub'), /none\.pub: there is no such key file/],
  ])('%s adds nobody', (_what, file, words) => {
    const before = everything(good.home);
    refused(good.run('user', 'add', 'bob', '--key', file()), 1, words);
    expect(everything(good.home)).toEqual(before);
  });
});

describe('a name', () => {
  const user = (name: string, ...more: string[]) => ['user', 'add', name, '--key', good.key, ...more];
  const grant = (role: string, target: string) => [
    'grant',
    'alice',
    '--role',
    role,
    '--target',
    target,
    '--for',
    '1h',
    '--reason',
    'x',
  ];
  it.each([
    ['of a user', user('../x'), /"\.\.\/x" is not a user name \(\[a-z0-9\]/],
    ['of a user, with an escape sequence', user('\x1b[2Jx'), /is not a user name/],
    ['of an account', user('bob', '--account', 'a b'), /"a b" is not an account name/],
    ['of a role', user('bob', '--role', '../r'), /"\.\.\/r" is not a role name/],
    ['of a role in a grant', grant('a b', '*'), /"a b" is not a role name/],
    ['of a target', grant('sre', '../y'), /"\.\.\/y": target patterns are made of/],
    ['of a target asked about', ['explain', 'alice', '../x', '--', 'ls'], /"\.\.\/x" is not a target name/],
    [
      'of a length of time',
      ['grant', 'alice', '--role', 'r', '--for', '1q', '--reason', 'x'],
      /--for 1q: not a duration/,
    ],
  ])('%s that is none is wrong usage', (_what, args, words) => {
    const before = everything(good.home, ['state/audit.log']);
    const ran = good.run(...args);
    refused(ran, 2, words);
    expect(ran.stderr).not.toContain('\x1b');
    expect(everything(good.home, ['state/audit.log'])).toEqual(before);
  });
});

describe('a store', () => {
  it.each([
    ['cut short', (text: string) => text.slice(0, -20), /it is not JSON/],
    ['empty', () => '', /it is empty/],
    ['null', () => 'null', /it is not a store/],
    ['of something else', () => '{"users": 3}', /cannot be used/],
    ['vanished', () => undefined, /is missing/],
  ])('%s is refused, kept, and never replaced; the backup is named, and puts it right', (_what, damage, words) => {
    const home = copy();
    const file = join(home, 'state/store.json');
    const bytes = damage(readFileSync(file, 'utf8'));
    if (bytes === undefined) rmSync(file);
    else writeFileSync(file, bytes);
    const before = everything(home);
    for (const command of [['serve'], ['lock', '--everyone', '--reason', 'x']]) {
      const ran = sallyport(['--home', home, ...command]);
      refused(ran, 1, new RegExp(`state/store\\.json: .*${words.source}`));
      expect(ran.stderr).toMatch(/state\/store\.json\.bak: copy that there, or use `sallyport restore`/);
    }
    expect(everything(home)).toEqual(before);
    cpSync(join(home, 'state/store.json.bak'), file);
    // The state before the last change: the user was there, the grant was not.
    const grants = sallyport(['--home', home, 'grants']).stdout;
    expect(grants).toContain('alice');
    expect(grants).not.toContain('sre');
  });
});

describe('an audit log', () => {
  it('whose last line was cut short goes on, and says so; no byte of it is lost', () => {
    const home = copy();
    const file = join(home, 'state/audit.log');
    appendFileSync(file, '{"seq":3,"at":"2026');
    const before = readFileSync(file, 'utf8');
    expect(sallyport(['--home', home, 'grant', 'alice', '--role', 'x', '--for', '1h', '--reason', 'r']).code).toBe(0);
    expect(readFileSync(file, 'utf8').startsWith(before)).toBe(true);
    expect(sallyport(['--home', home, 'audit']).stdout).toMatch(/audit-torn .*19 bytes .*they stay where they are/);
  });

  it('that is none is refused and kept', () => {
    const home = copy();
    writeFileSync(join(home, 'state/audit.log'), Buffer.concat([Buffer.from('no log\n'), randomBytes(5_000)]));
    const before = everything(home);
    const words = /state\/audit\.log: ends in no readable line; it is left as it is: move it elsewhere/;
    refused(sallyport(['--home', home, 'grant', 'alice', '--role', 'x', '--for', '1h', '--reason', 'r']), 1, words);
    expect(everything(home)).toEqual(before);
  });
});

describe('a home', () => {
  it('that is none is named, and not made', () => {
    const nowhere = newDir();
    const words = /sallyport\.yaml: not found: make a home with `sallyport init`, or name another with --home/;
    for (const command of [['serve'], ['grants']]) refused(sallyport(['--home', nowhere, ...command]), 1, words);
    refused(sallyport(['--home', nowhere, 'status']), 5, words);
    expect(existsSync(nowhere)).toBe(false);
    refused(sallyport(['--home', good.key, 'serve']), 1, /key\.pub\/sallyport\.yaml: cannot be read/);
  });

  it.skipIf(existsSync('/etc/sallyport'))('that is not named anywhere is asked for', () => {
    refused(sallyport(['serve']), 2, /no sallyport home: .*--home DIR.*sallyport init/);
  });

  it('whose path is longer than a socket address works', async () => {
    const home = join(mkdtempSync(join(tmpdir(), 'long-')), 'h'.repeat(120));
    mkdirSync(home);
    cpSync(good.home, home, { recursive: true });
    const { spawn } = await import('node:child_process');
    const args = [join(import.meta.dirname, '../../bin/sallyport'), '--home', home, 'serve'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await expect.poll(() => sallyport(['--home', home, 'status']).code, { timeout: 30_000 }).toBe(0);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

describe('beside a broker that runs', () => {
  let broker: TestBroker;
  let taken: Server;
  beforeAll(async () => {
    broker = await startBroker();
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    taken?.close();
    await broker?.stop();
  });
  const state = () => everything(broker.home, ['state/audit.log']);

  it('a second one on the same home is refused, and the first goes on', async () => {
    const before = state();
    const lock = readFileSync(join(broker.home, 'state/lock'), 'utf8');
    const words = new RegExp(`state: in use by sallyport serve \\(pid ${broker.process.pid}\\): stop it first`);
    refused(await broker.cli('serve'), 1, words);
    expect(state()).toEqual(before);
    expect(readFileSync(join(broker.home, 'state/lock'), 'utf8')).toBe(lock);
    expect((await broker.exec('echo on')).stdout).toBe('on\n');
  });

  it('another one on its port is refused, as on an address that is not ours', () => {
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : 0;
    for (const [listen, words] of [
      [`127.0.0.1:${broker.port}`, 'EADDRINUSE'],
      [`127.0.0.1:${port}`, 'EADDRINUSE'],
      // TEST-NET-3 (RFC 5737): nobody's address.
      ['203.0.113.9:2222', 'EADDRNOTAVAIL'],
    ] as const) {
      const home = copy();
      writeFileSync(join(home, 'sallyport.yaml'), `listen: ${listen}\n`);
      const before = everything(home, ['state/audit.log', 'run']);
      const ran = sallyport(['--home', home, 'serve']);
      refused(ran, 1, new RegExp(`cannot listen on ${listen}: .*${words}.*: change listen in .*sallyport\\.yaml`));
      expect(everything(home, ['state/audit.log', 'run'])).toEqual(before);
    }
  });

  it('a bad policy or configuration is not taken up: what was good stays', async () => {
    const file = join(broker.home, 'policies/policy.csv');
    const policy = readFileSync(file, 'utf8');
    appendFileSync(file, 'p, x, engineer, *, ls, true, alow, checked\n');
    const before = state();
    const ran = await broker.cli('reload');
    expect(ran.code).toBe(1);
    expect(ran.stdout + ran.stderr).toMatch(/policy\.csv:\d+: the effect is allow or deny, not 'alow'/);
    expect(state()).toEqual(before);
    expect((await broker.exec('echo on')).stdout).toBe('on\n');
    writeFileSync(file, policy);
    expect((await broker.cli('reload')).code).toBe(0);
  });

  it('a backup is made whole, restored elsewhere, and never over a live home', async () => {
    const file = join(broker.dir, 'backup');
    expect((await broker.cli('grant', 'alice', '--role', 'sre', '--for', '1h', '--reason', 'INC-2')).code).toBe(0);
    expect(await broker.cli('backup', file)).toMatchObject({ code: 0, stderr: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    refused(await broker.cli('backup', file), 1, /backup: .*exists already: name another file/);
    const before = state();
    refused(await broker.cli('restore', file), 1, /in use by sallyport serve \(pid \d+\): stop it first/);
    expect(state()).toEqual(before);

    const other = join(broker.dir, 'other');
    expect(sallyport(['--home', other, 'init']).code).toBe(0);
    expect(sallyport(['--home', other, 'restore', file])).toMatchObject({ code: 0, stderr: '' });
    const grants = async (home: string) => sallyport(['--home', home, '--json', 'grants']).stdout;
    expect(JSON.parse(await grants(other))).toEqual(await broker.json('grants'));
    for (const name of ['host_key', 'signing_key.pem', 'store.json'])
      expect(readFileSync(join(other, 'state', name))).toEqual(readFileSync(join(broker.home, 'state', name)));

    writeFileSync(`${file}.cut`, readFileSync(file, 'utf8').slice(0, 500));
    const whole = everything(other);
    refused(
      sallyport(['--home', other, 'restore', `${file}.cut`]),
      1,
      /backup\.cut: is not a sallyport backup.*nothing was changed/,
    );
    expect(everything(other)).toEqual(whole);
  });

  it('exit codes tell what happened: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 not reachable', async () => {
    const codes = async (...args: string[]) => (await broker.cli(...args)).code;
    expect(await codes('status')).toBe(0);
    expect(await codes('restore', join(broker.dir, 'no-such-file'))).toBe(1);
    expect(await codes('grant', 'alice', '--role', 'sre')).toBe(2);
    expect(await codes('user', 'show', 'bob')).toBe(3);
    expect(await codes('explain', 'alice', 'local', '--', 'rm', '-rf', '/')).toBe(4);
    expect(good.run('status').code).toBe(5);
  });
});
