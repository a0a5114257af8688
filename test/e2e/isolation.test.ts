import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import { processesOf } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

const isRoot = process.getuid?.() === 0;
/** As that of a daemon that starts programs for whoever connects, in a place of its own. */
const daemon = mkdtempSync('/var/tmp/sallyport-daemon-');
const PRIVATE = { home: 'private', shell: '/bin/bash' };

let broker: TestBroker;
let alice: Terminal;
let bob: Person;
let carol: Person;
/** The host's name for alice's terminal. */
let aliceTty: string;
let aliceSession: string;

beforeAll(async () => {
  // Not /tmp, which every session has anew anyway: here only the hiding of the home keeps it out of sight.
  process.env.TMPDIR = '/var/tmp';
  const accounts = { nobody: PRIVATE, games: PRIVATE };
  broker = await startBroker({ policy: OPEN_POLICY, config: { hide: [daemon], ...(isRoot ? { accounts } : {}) } });
  bob = await addPerson(broker, 'bob', 'games');
  carol = await addPerson(broker, 'carol', 'nobody');
  alice = await broker.shell();
  await alice.line('sleep 7654 & touch /tmp/of-alice /dev/shm/of-alice ~/of-alice; echo made-$((1+1))', 'made-2');
  aliceSession = (await broker.json<{ id: string }[]>('sessions'))[0]?.id ?? '';
  const processes = processesOf(aliceSession);
  aliceTty = readlinkSync(`/proc/${processes.alive().at(-1)}/fd/0`);
  processes.close();
});
afterAll(async () => {
  await broker?.stop();
  rmSync(daemon, { recursive: true, force: true });
});

/** Runs a Python program in a session of alice. */
const python = (text: string) => broker.exec('python3 -', text);

/** What alice's terminal has shown is what she did and nothing else. */
async function undisturbed(mark: string): Promise<void> {
  await alice.line('echo still-$((40+2))', 'still-42');
  expect(alice.shown()).not.toContain(mark);
}

describe('a session sees nothing of the broker:', () => {
  it('its home looks empty and cannot be written, whichever way one goes there', async () => {
    const parts = readdirSync(broker.home);
    expect(parts).toEqual(
      expect.arrayContaining(['sallyport.yaml', 'state', 'recordings', 'run', 'policies', 'homes']),
    );
    const { stdout } = await broker.exec(
      `for root in '' /proc/self/root /proc/1/root /proc/self/cwd/../..; do for part in ${parts.join(' ')}; do
         [ -e "$root${broker.home}/$part" ] && echo "seen $root $part"
         cat "$root${broker.home}/$part" && echo "read $root $part"; done
         ls -A "$root${broker.home}"; mkdir "$root${broker.home}/new" && echo "written $root"; done
       echo looked`,
    );
    expect(stdout).toBe('looked\n');
    expect(existsSync(join(broker.home, 'new'))).toBe(false);
  });

  it('no file it can open anywhere is one of the home', async () => {
    const { stdout } = await broker.exec(
      "find / -xdev \\( -name sallyport.yaml -o -name '*.cast' -o -name control.sock -o -name policy.csv \\) 2>/dev/null",
    );
    expect(stdout).not.toContain(broker.dir);
  });

  it('the control socket is not there to connect to', async () => {
    const sockets = execFileSync('find', [broker.home, '-type', 's']).toString().trim().split('\n');
    expect(sockets[0]).toMatch(/control\.sock$/);
    const { stdout } = await python(`
import socket
for path in ${JSON.stringify(sockets)}:
    try:
        socket.socket(socket.AF_UNIX).connect(path); print("connected", path)
    except OSError as e: print(type(e).__name__)
`);
    expect(stdout.trim().split('\n')).toEqual(sockets.map(() => 'FileNotFoundError'));
  });

  it('a daemon`s socket in a directory the configuration hides is not there either', async () => {
    const path = join(daemon, 'unix.socket');
    const server = createServer();
    await new Promise<void>((listening) => server.listen(path, listening));
    chmodSync(daemon, 0o777);
    chmodSync(path, 0o777);
    try {
      const { stdout } = await python(`
import socket
try: socket.socket(socket.AF_UNIX).connect('${path}'); print('connected')
except OSError as e: print(type(e).__name__)`);
      expect(stdout).toBe('FileNotFoundError\n');
    } finally {
      server.close();
    }
  });

  it('no process of the broker or of the host can be seen or signalled', async () => {
    const { doors } = await broker.json<{ doors: { doorPid: number; guardPid: number }[] }>('status');
    const ours = [broker.process.pid, ...doors.flatMap(({ doorPid, guardPid }) => [doorPid, guardPid])];
    const { stdout, code } = await broker.exec(
      `for pid in ${ours.join(' ')}; do [ -e /proc/$pid ] && echo seen; kill -9 $pid 2>/dev/null && echo hit; done
       cat /proc/[0-9]*/comm; kill -9 1 2>/dev/null; kill -9 -1`,
    );
    const seen = new Set(stdout.trim().split('\n'));
    seen.delete('cat');
    expect([...seen].sort()).toEqual(['bash', 'bwrap']);
    expect(code).not.toBe(0);
    const after = await broker.json<{ doors: { doorPid: number; guardPid: number; restarts: number }[] }>('status');
    expect(after.doors).toMatchObject(doors.map(({ doorPid, guardPid }) => ({ doorPid, guardPid, restarts: 0 })));
    await undisturbed('Killed');
  });

  it.skipIf(!isRoot)('the first process of its namespace is not its own to look into (needs root)', async () => {
    const { stdout } = await broker.exec(
      'cat /proc/1/environ; ls /proc/1/fd /proc/1/cwd/ /proc/1/root/; cat /proc/1/maps; echo looked',
    );
    expect(stdout).toBe('looked\n');
  });
});

describe('a session holds', () => {
  it.each(['pty', 'exec'])('descriptors 0, 1 and 2 and no other (%s)', async (kind) => {
    // The listing's own descriptor of the directory is the fourth.
    const list = 'python3 -c "import os; print(sorted(map(int, os.listdir(\'/proc/self/fd\'))))"';
    const shown = kind === 'pty' ? await alice.line(list, /\[[\d, ]+\]/) : (await broker.exec(list)).stdout;
    expect(/\[[\d, ]+\]/.exec(shown)?.[0]).toBe('[0, 1, 2, 3]');
  });

  it('no privilege and no way to any: no_new_privs, a seccomp filter, no capability, never uid 0', async () => {
    const { stdout } = await broker.exec('cat /proc/self/status');
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(stdout)?.[1]?.trim();
    expect(field('NoNewPrivs')).toBe('1');
    expect(field('Seccomp')).toBe('2');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(field(set)).toMatch(/^0+$/);
    expect(field('Uid')?.split('\t')).not.toContain('0');
    expect(field('Gid')?.split('\t')).not.toContain('0');
    const setuid = await broker.exec("su -c 'id -u' </dev/null; mount -t tmpfs none /mnt; unshare -U id -u; echo end");
    expect(setuid.stdout).toBe('end\n');
  });

  it.skipIf(!isRoot)("its account's ids and groups as the host has them (needs root)", async () => {
    for (const [person, account] of [
      [broker, 'nobody'],
      [bob, 'games'],
    ] as const) {
      const ids = (...args: string[]) =>
        execFileSync('id', [...args, account])
          .toString()
          .trim();
      const { stdout } = await person.exec('id -u; id -g; id -G; id -un');
      expect(stdout.trim().split('\n')).toEqual([ids('-u'), ids('-g'), ids('-G'), account]);
    }
  });
});

describe('a session cannot type into a terminal:', () => {
  it('neither into its own nor into an opened other by TIOCSTI or TIOCLINUX, high bits or not', async () => {
    const script = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def put(fd, call):
    r = libc.ioctl(fd, ctypes.c_ulong(call), ctypes.create_string_buffer(b"Z"))
    print("typed" if r == 0 else os.strerror(ctypes.get_errno()))
own = os.open("/dev/tty", os.O_RDWR)
for fd in (0, own):
    for call in (0x5412, 0x541C, 0x5412 | 1 << 32, 0x5412 | 1 << 63): put(fd, call)
master, slave = os.openpty()
put(slave, 0x5412)
`;
    const shown = await alice.line(
      `python3 -c "exec(bytes.fromhex('${Buffer.from(script).toString('hex')}'))"; echo tried-$((1+1))`,
      'tried-2',
    );
    expect(shown.match(/Operation not permitted/g)).toHaveLength(9);
    expect(shown).not.toContain('typed\r\n');
  });

  it("another's terminal has no name in a session, and pseudo terminals opened there are its own", async () => {
    expect(aliceTty).toMatch(/^\/dev\/pts\/\d+$/);
    for (const person of [broker, bob, carol]) {
      const { stdout } = await person.exec(
        `ls /dev/pts; echo evil-words 2>/dev/null > ${aliceTty} || echo refused; true
         python3 -c 'import pty; pty.spawn(["tty"])'`,
      );
      expect(stdout).toMatch(/^ptmx\nrefused\n\/dev\/pts\/0\r?\n$/);
    }
    await undisturbed('evil-words');
  });
});

describe('what is private to a session:', () => {
  it('/tmp, /run and /dev/shm, from other users, from other sessions of the same account, and from the host', async () => {
    for (const person of [broker, bob, carol]) {
      const { stdout } = await person.exec('ls -A /tmp /dev/shm; ls /run; ls -A /var/run/ | head -3');
      expect(stdout).not.toContain('of-alice');
      expect(stdout).not.toMatch(/\.sock|dbus|docker|systemd/);
    }
    for (const dir of ['/tmp', '/dev/shm']) expect(existsSync(join(dir, 'of-alice'))).toBe(false);
    expect((await broker.exec('find /run -type s 2>/dev/null; echo end')).stdout).toBe('end\n');
    expect((await alice.line('ls /tmp /dev/shm; echo end-$((1+1))', 'end-2')).match(/of-alice\r/g)).toHaveLength(2);
  });

  it("the home: kept between a user's sessions, and not another account's", async () => {
    expect((await broker.exec('ls ~')).stdout).toBe('of-alice\n');
    expect((await bob.exec('ls ~; cat ~/.bashrc')).stdout).toMatch(/^PS1/);
    expect((await bob.exec(`ls -A ${join(broker.home, 'homes')}; echo end`)).stdout).toBe('end\n');
  });

  it('processes: sessions of the same account neither see nor end those of another', async () => {
    for (const person of [broker, bob, carol]) {
      const { stdout } = await person.exec(
        'cat /proc/[0-9]*/comm | grep -c sleep; echo looked; pkill -9 sleep; kill -9 -1',
      );
      expect(stdout).toBe('0\nlooked\n');
    }
    const processes = processesOf(aliceSession);
    expect(processes.describe().join('\n')).toContain('sleep 7654');
    processes.close();
    await undisturbed('Killed');
  });
});

describe.skipIf(!isRoot)('an account (needs root)', () => {
  it('of number 0 is refused when a user is added, and again when one of that name logs in', async () => {
    const key = join(broker.dir, 'key.pub');
    const added = await broker.cli('user', 'add', 'eve', '--key', key, '--account', 'root');
    expect(added).toMatchObject({ code: 2, stderr: expect.stringMatching(/^sallyport: .*root.*account.*\n$/) });
    const root = await addPerson(broker, 'root');
    expect(await root.exec('id')).toEqual({
      code: 126,
      stdout: '',
      stderr: expect.stringMatching(/^sallyport: .*account 0.*never.*\n$/),
    });
  });

  it.each([
    ['does not exist', 'no-such-account', /account no-such-account does not exist on this host/],
    ['has no shell', 'daemon', /account daemon has no usable shell .*accounts\.daemon\.shell/],
  ])('that %s is a refusal that says what to do', async (what, account, words) => {
    const person = await addPerson(broker, `of-${what.replaceAll(' ', '-')}`, account);
    const ran = await person.exec('id');
    expect(ran).toMatchObject({ code: 126, stdout: '' });
    expect(ran.stderr).toMatch(words);
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    const audit = (await broker.cli('audit', '--user', person.name)).stdout;
    expect(audit).toMatch(words);
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain('no-such-account');
  });
});
