import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { installPackage } from '../helpers/installed.js';
import { addPerson, type Person } from '../helpers/people.js';
import { stateOf, until } from '../helpers/processes.js';

const POLICY = `
p, all,     engineer, *, *,        true, allow, checked
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
p, no-rm,   *,        *, rm **,    true, deny,  checked
`;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const uid = isRoot ? NOBODY : (process.getuid?.() ?? NOBODY);

/** Host pids of what runs with these words on its command line; everyone may see that. */
function running(words: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(words)).map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** No other process on the machine sleeps for so long. */
let naps = 600_000 + (process.pid % 10_000) * 10;
const nap = () => `sleep ${naps++}`;

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

// Root plays the ordinary user as `nobody`, with the package installed where nobody can read it.
describe('a broker run by an ordinary user', () => {
  let broker: TestBroker;
  let bob: Person;
  beforeAll(async () => {
    const as = isRoot ? { as: { uid: NOBODY, bin: installPackage() } } : {};
    // Not /tmp, /var/tmp or a home, which every session has anew: only the hiding of it keeps this one out of sight.
    if (isRoot) process.env.TMPDIR = '/var/lib';
    broker = await startBroker({ policy: POLICY, ...as });
    bob = await addPerson(broker, 'bob');
  });
  afterAll(async () => {
    await broker?.stop();
  });

  it('says so, and refuses to tie a user to an account', async () => {
    expect(broker.log()).toContain('isolation sandbox, gate exec');
    const key = join(broker.dir, 'key.pub');
    const added = await broker.cli('user', 'add', 'eve', '--key', key, '--account', 'games');
    expect(added.code).toBe(2);
    expect(added.stderr).toMatch(/^sallyport: .*--account games.*not run by root.*\n$/);
  });

  it('runs sessions without any privilege, whose system is read-only', async () => {
    const { stdout } = await broker.exec(
      `id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
       for dir in / /etc /usr /var /opt; do touch $dir/new 2>/dev/null && echo written; done
       unshare -U true 2>/dev/null && echo nested; unshare -m true 2>/dev/null && echo mounted; echo end`,
    );
    expect(stdout.split(/\s+/).join(' ')).toBe(
      `${uid} CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 end `,
    );
  });

  it("keeps the broker's home out of sight, though the account could read it", async () => {
    const parts = readdirSync(broker.home);
    const { stdout } = await broker.exec(
      `for root in '' /proc/self/root /proc/1/root /proc/1/cwd/..; do for part in ${parts.join(' ')}; do
         [ -e "$root${broker.home}/$part" ] && echo "seen $root $part"; done
         ls -A "$root${broker.home}" 2>/dev/null; mkdir "$root${broker.home}/new" 2>/dev/null && echo written; done
       find / -xdev \\( -name sallyport.yaml -o -name '*.cast' -o -name control.sock \\) 2>/dev/null | grep ${broker.dir}
       echo looked`,
    );
    expect(stdout).toBe('looked\n');
    expect(existsSync(join(broker.home, 'new'))).toBe(false);
  });

  it('keeps processes of the same uid, its own and those of other sessions, out of reach', async () => {
    const shell = await broker.shell();
    await shell.line('sleep 7655 & touch /tmp/mine /var/tmp/mine ~/mine; echo made-$((1+1))', 'made-2');
    for (const person of [broker, bob]) {
      const { stdout } = await person.exec(
        `cat /proc/[0-9]*/comm | grep -cE 'sleep|node'; ls /tmp /var/tmp; kill -9 ${broker.process.pid}; kill -9 -1`,
      );
      expect(stdout).toBe('0\n/tmp:\n\n/var/tmp:\n');
    }
    await shell.line('jobs; echo still-$((40+2))', /Running +sleep 7655[\s\S]*still-42/);
    expect(stateOf(broker.process.pid ?? 0)).toMatch(/[SR]/);
    shell.type('exit\r');
    await shell.exit();
  });

  it('gives each user a home of their own that stays', async () => {
    expect((await broker.exec('echo kept > ~/note; cat ~/note; pwd')).stdout).toBe('kept\n/home/alice\n');
    expect((await broker.exec('cat ~/note')).stdout).toBe('kept\n');
    expect((await bob.exec('pwd; ls ~ /home; cat /home/alice/note')).stdout).toBe(
      '/home/bob\n/home:\nbob\n\n/home/bob:\n',
    );
    expect(existsSync(join(shellHomeOf(broker.home, NOBODY), 'note'))).toBe(true);
  });

  it('has its control socket out of reach, by whatever way one goes there', async () => {
    const { stdout } = await broker.exec(
      'python3 -',
      `
import glob, os, socket
home = ${JSON.stringify(broker.home)}
roots = [''] + [root + where for root in glob.glob('/proc/[0-9]*') for where in ('/root', '/cwd/../../../../../..')]
for root in roots:
    try:
        socket.socket(socket.AF_UNIX).connect((root + home + '/run/control.sock')[:107]); print('connected', root)
    except OSError as e: print(type(e).__name__)
    for part in ('state/store.json', 'state/host_key', 'state/audit.log', 'recordings', 'sallyport.yaml'):
        try: os.stat(root + home + '/' + part); print('seen', root, part)
        except OSError: pass
try: print(os.listdir(home))
except OSError: pass
`,
    );
    expect(stdout).toMatch(/^(?:(?:FileNotFoundError|PermissionError|\[\])\n)+$/);
  });

  it('refuses a typed line whole, and a program that no line named', async () => {
    const shell = await broker.shell();
    await shell.line('echo a > made; rm made', 'sallyport: denied: rm made (no-rm: denied by rule)');
    await shell.line('ls made; c=rm; touch kept; $c kept; echo status-$?', 'status-126');
    expect(shell.shown()).toMatch(/cannot access 'made'/);
    expect(shell.shown()).toContain('sallyport: denied: rm kept, started by ');
    shell.type('exit\r');
    await shell.exit();
  });

  it('loses and changes no byte of a terminal', async () => {
    const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), randomBytes(100_000)]);
    const command = `stty raw -echo; printf go; head -c ${bytes.length}; exit 7`;
    const stdio = ['pipe', 'pipe', 'ignore'] as const;
    const child = spawn('ssh', [...broker.sshArgs('-tt', '-e', 'none'), command], { stdio: [...stdio] });
    for (const stream of child.stdio) stream?.on('error', () => {});
    let out = Buffer.alloc(0);
    child.stdout?.on('data', (chunk: Buffer) => {
      const waiting = !out.includes('go');
      out = Buffer.concat([out, chunk]);
      if (waiting && out.includes('go')) child.stdin?.write(bytes);
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(7);
    expect(sha(out.subarray(out.indexOf('go') + 2))).toBe(sha(bytes));
  });

  it('decides every program', async () => {
    const ran = await broker.exec('touch kept; c=rm; $c kept; echo $?; ls kept');
    expect(ran.stdout).toBe('126\nkept\n');
    expect(ran.stderr).toContain('sallyport: denied: rm kept, started by ');
  });

  const STUBBORN = "trap '' HUP TERM INT";

  it('leaves nothing of a session that is killed, or whose time is over', async () => {
    const sleeper = nap();
    const start = async (end: () => Promise<unknown>, words: string) => {
      const shell = await broker.shell();
      for (const line of [STUBBORN, `nohup ${sleeper} >/dev/null 2>&1 &`, `(setsid ${sleeper} &)`])
        await shell.line(`${line}\recho typed-$((20+2))`, 'typed-22');
      await until('both sleep', () => running(sleeper).length >= 2);
      await end();
      await shell.waitFor(`sallyport: session closed: ${words}`, { timeoutMs: 20_000 });
      expect(await shell.exit()).toBe(254);
      await until('nothing is left', () => running(sleeper).length === 0);
    };
    const kill = async () => {
      const [session] = await broker.json<{ id: string }[]>('sessions');
      return broker.json('kill', session?.id ?? '', '--reason', 'over');
    };
    await start(kill, 'killed');
    const file = join(broker.home, 'sallyport.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text}\nsession: { hard: 6s, warn: [1s] }\n`);
    expect((await broker.cli('reload')).stderr).toBe('');
    await start(async () => undefined, 'deadline');
    writeFileSync(file, text);
    expect((await broker.cli('reload')).stderr).toBe('');
  });

  it('leaves no shell when door, guard or keeper is killed', async () => {
    for (const which of ['doorPid', 'guardPid', 'keeper'] as const) {
      const sleeper = nap();
      const shell = await broker.shell();
      const lines = [STUBBORN, `nohup ${sleeper} >/dev/null 2>&1 &`, `(setsid ${sleeper} &)`];
      for (const line of lines) await shell.line(`${line}\recho typed-$((20+2))`, 'typed-22');
      await until('both sleep', () => running(sleeper).length >= 2);
      const { doors } = await broker.json<{ doors: { doorPid: number; guardPid: number }[] }>('status');
      // The program that turned root into the ordinary user has become the broker.
      process.kill((which === 'keeper' ? broker.process.pid : doors[0]?.[which]) ?? 0, 'SIGKILL');
      await until('nothing is left', () => running(sleeper).length === 0);
      expect(await shell.exit()).toBe(255);
      if (which !== 'keeper') await until('a new pair is up', async () => (await broker.exec('true')).code === 0);
    }
    await broker.restart();
    expect(broker.log()).toMatch(/session \S+ of alice was cut \(crashed\)/);
  });
});
