import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import { processesOf, stateOf, until } from '../helpers/processes.js';

const POLICY = `
p, all,     engineer, *, *,        true, allow, checked
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
p, no-rm,   *,        *, rm **,    true, deny,  checked
`;
const BIN = fileURLToPath(new URL('../../bin/sallyport', import.meta.url));
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const uid = isRoot ? NOBODY : (process.getuid?.() ?? NOBODY);

/** Root plays the ordinary user as `nobody`, who must be able to read the program. */
function nobodyCanRun(): boolean {
  try {
    const args = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath, BIN, '--version'];
    execFileSync('setpriv', args, { stdio: 'ignore', cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

const why = isRoot && !nobodyCanRun() ? ` (not run: nobody cannot read ${dirname(BIN)})` : '';

describe.skipIf(why !== '')(`a broker run by an ordinary user${why}`, () => {
  let broker: TestBroker;
  let bob: Person;
  beforeAll(async () => {
    // Not /tmp, /var/tmp or a home, which every session has anew: only the hiding of it keeps this one out of sight.
    if (isRoot) process.env.TMPDIR = '/var/lib';
    broker = await startBroker({ policy: POLICY, ...(isRoot ? { as: { uid: NOBODY, bin: BIN } } : {}) });
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

  it('decides every program', async () => {
    const ran = await broker.exec('touch kept; c=rm; $c kept; echo $?; ls kept');
    expect(ran.stdout).toBe('126\nkept\n');
    expect(ran.stderr).toContain('sallyport: denied: rm kept, started by ');
  });

  it.skipIf(!isRoot)('leaves no shell when door, guard or keeper is killed (needs root to look)', async () => {
    for (const which of ['doorPid', 'guardPid', 'keeper'] as const) {
      const shell = await broker.shell();
      const lines = ["trap '' HUP TERM INT", 'nohup sleep 611 >/dev/null 2>&1 &', '(setsid sleep 612 &)'];
      for (const line of lines) await shell.line(`${line}\recho typed-$((20+2))`, 'typed-22');
      const [session] = await broker.json<{ id: string }[]>('sessions');
      const { doors } = await broker.json<{ doors: { doorPid: number; guardPid: number }[] }>('status');
      const processes = processesOf(session?.id ?? '');
      // The program that turned root into the ordinary user has become the broker.
      process.kill((which === 'keeper' ? broker.process.pid : doors[0]?.[which]) ?? 0, 'SIGKILL');
      await processes.gone();
      processes.close();
      expect(await shell.exit()).toBe(255);
      if (which !== 'keeper') await until('a new pair is up', async () => (await broker.exec('true')).code === 0);
    }
    await broker.restart();
    expect(broker.log()).toMatch(/session \S+ of alice was cut \(crashed\)/);
  });
});
