import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { processesOf, stateOf, statusOf, until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

interface Door {
  door: number;
  state: string;
  doorPid: number;
  guardPid: number;
  restarts: number;
}
interface Listed {
  id: string;
  door: number;
}
interface Entry {
  event: string;
  session?: string;
  door?: number;
  cause?: string;
}

const isRoot = process.getuid?.() === 0;
let broker: TestBroker;

beforeAll(async () => {
  broker = await startBroker({ policy: OPEN_POLICY, config: { doors: 2 } });
});
afterAll(async () => {
  await broker?.stop();
});

const doors = async () => (await broker.json<{ doors: Door[] }>('status')).doors;
const sessions = () => broker.json<Listed[]>('sessions');
const audit = async (): Promise<Entry[]> => {
  const { stdout } = await broker.cli('--json', 'audit');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
};

/** A shell, and what the broker says of it. */
async function openShell(): Promise<{ terminal: Terminal; listed: Listed }> {
  const terminal = await broker.shell();
  const shown = await terminal.line('echo id=$SALLYPORT_SESSION.', /id=[0-9a-z]+\./);
  const id = /id=([0-9a-z]+)\./.exec(shown)?.[1];
  const listed = (await sessions()).find((session) => session.id === id);
  if (!listed) throw new Error('the session is not listed');
  return { terminal, listed };
}

/** Everything a process can do on its own to live on: no signal but KILL ends it, and it has left its parents. */
const STUBBORN = [
  "trap '' HUP TERM INT QUIT PIPE",
  'nohup sleep 611 >/dev/null 2>&1 &',
  'setsid bash -c \'trap "" HUP TERM INT; while :; do sleep 1; done\' >/dev/null 2>&1 &',
  '(setsid sleep 612 >/dev/null 2>&1 &)',
  "(setsid bash -c '(setsid sleep 613 &)' >/dev/null 2>&1 &)",
];

async function makeStubborn(terminal: Terminal): Promise<void> {
  for (const line of STUBBORN) await terminal.line(`${line}\recho typed-$((20+2))`, 'typed-22');
}

function numbered(all: Door[], number: number): Door {
  const found = all.find(({ door }) => door === number);
  if (!found) throw new Error(`no door ${number}`);
  return found;
}

describe('a door', () => {
  it.skipIf(!isRoot)(
    'runs as an account of its own, without groups, capabilities or a way to more (needs root)',
    async () => {
      for (const { doorPid } of await doors()) {
        const status = statusOf(doorPid);
        const uids = new Set(status.Uid?.split('\t'));
        const gids = new Set(status.Gid?.split('\t'));
        expect([...uids]).toHaveLength(1);
        expect([...gids]).toHaveLength(1);
        expect(uids).not.toContain('0');
        expect(uids).not.toContain('65534');
        expect(gids).not.toContain('0');
        expect(status.Groups?.trim()).toBe('');
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect(status[set]).toMatch(/^0+$/);
        expect(status.NoNewPrivs).toBe('1');
      }
    },
  );

  it.skipIf(!isRoot)(
    "holds no file of the broker's but its recordings, and a guard no network connection (needs root)",
    async () => {
      const { terminal, listed } = await openShell();
      const { doorPid, guardPid } = numbered(await doors(), listed.door);
      const files = filesOf(doorPid).filter(({ path }) => path.startsWith(broker.home));
      expect(files.filter(({ path }) => path.endsWith('.cast'))).toHaveLength(1);
      for (const { path, writeOnly } of files) {
        expect(path).toMatch(/\.cast$|\/(q|a)[^/]*$/);
        if (path.endsWith('.cast')) expect(writeOnly).toBe(true);
      }
      expect(filesOf(doorPid).filter(({ path }) => path.startsWith('/') && !path.startsWith(broker.home))).toSatisfy(
        (others: OpenFile[]) => others.every(({ path }) => path.startsWith('/dev/')),
      );
      expect(networkSockets(doorPid)).toBeGreaterThan(0);
      expect(networkSockets(guardPid)).toBe(0);
      terminal.type('exit\r');
      await terminal.exit();
    },
  );
});

describe.each([
  ['door', 'SIGKILL'],
  ['guard', 'SIGKILL'],
  ['door', 'SIGSTOP'],
  ['guard', 'SIGSTOP'],
] as const)('when a %s gets %s', (which, signal) => {
  it('nothing of its sessions lives on, it is replaced, and the other pair does not notice', async () => {
    const victim = await openShell();
    const witness = await openShell();
    expect(witness.listed.door).not.toBe(victim.listed.door);
    await makeStubborn(victim.terminal);
    await witness.terminal.line('set +m; remembered=41', '$ ');
    const processes = processesOf(victim.listed.id);
    await until('all of it runs', () => processes.alive().length > 6);
    const was = await doors();
    const before = numbered(was, victim.listed.door);

    process.kill(which === 'door' ? before.doorPid : before.guardPid, signal);
    await processes.gone(8_000);
    processes.close();
    expect(await victim.terminal.exit()).toBe(255);
    await witness.terminal.line('echo answer-$((remembered+1))', 'answer-42');

    let now = was;
    await until('the pair is replaced', async () => {
      now = await doors();
      const { restarts, state } = numbered(now, victim.listed.door);
      return restarts > before.restarts && state === 'up';
    });
    expect(numbered(now, victim.listed.door).restarts).toBe(before.restarts + 1);
    expect(numbered(now, witness.listed.door)).toEqual({
      ...numbered(was, witness.listed.door),
      sessions: 1,
      connections: 1,
    });
    for (const pid of [before.doorPid, before.guardPid]) expect(stateOf(pid)).toBeUndefined();
    const next = await openShell();
    expect(next.listed.door).toBe(victim.listed.door);
    expect((await sessions()).map(({ id }) => id).sort()).toEqual([witness.listed.id, next.listed.id].sort());
    for (const { terminal } of [next, witness]) {
      terminal.type('exit\r');
      expect(await terminal.exit()).toBe(0);
    }
    const end = (await audit()).filter((e) => e.event === 'session-end' && e.session === victim.listed.id);
    expect(end.map(({ cause }) => cause)).toEqual(['crashed']);
  });
});

describe('the keeper', () => {
  it('that was itself stopped for a while takes no pair for stalled and cuts nobody', async () => {
    const { terminal } = await openShell();
    const before = await doors();
    broker.process.kill('SIGSTOP');
    await sleep(3_000);
    broker.process.kill('SIGCONT');
    await sleep(1_500);
    expect((await doors()).map(pidsOf)).toEqual(before.map(pidsOf));
    await terminal.line('echo alive-$((1+1))', 'alive-2');
    terminal.type('exit\r');
    expect(await terminal.exit()).toBe(0);
  });

  it('takes everything with it when it dies, and the next start says what was cut', async () => {
    const shells = [await openShell(), await openShell()];
    for (const { terminal } of shells) await makeStubborn(terminal);
    const processes = shells.map(({ listed }) => processesOf(listed.id));
    const pairs = (await doors()).flatMap(({ doorPid, guardPid }) => [doorPid, guardPid]);

    broker.process.kill('SIGKILL');
    for (const one of processes) {
      await one.gone();
      one.close();
    }
    await until('doors and guards are gone', () => pairs.every((pid) => ['Z', undefined].includes(stateOf(pid))));
    for (const { terminal } of shells) expect(await terminal.exit()).toBe(255);

    await broker.restart();
    const entries = await audit();
    for (const { listed } of shells) {
      expect(broker.log()).toContain(`session ${listed.id} of alice was cut (crashed)`);
      expect(entries.filter((e) => e.session === listed.id && e.cause === 'crashed')).toMatchObject([{ event: 'cut' }]);
    }
    expect(await sessions()).toEqual([]);
    expect(await broker.exec('echo works')).toMatchObject({ code: 0, stdout: 'works\n' });
  });
});

const pidsOf = ({ doorPid, guardPid }: Door) => ({ doorPid, guardPid });

interface OpenFile {
  path: string;
  writeOnly: boolean;
}

const O_ACCMODE = 0o3;
const O_WRONLY = 0o1;

function filesOf(pid: number): OpenFile[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const flags = Number.parseInt(
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
      8,
    );
    return [{ path: readlinkSync(`/proc/${pid}/fd/${fd}`), writeOnly: (flags & O_ACCMODE) === O_WRONLY }];
  });
}

/** How many of a process's descriptors are TCP sockets. */
function networkSockets(pid: number): number {
  const inodes = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/)[9] ?? ''),
  );
  const open = new Set(filesOf(pid).map(({ path }) => /^socket:\[(\d+)\]$/.exec(path)?.[1]));
  return inodes.filter((inode) => inode !== '' && inode !== '0' && open.has(inode)).length;
}
