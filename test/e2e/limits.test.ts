import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson } from '../helpers/people.js';
import { processesOf, until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

const PLACE = { home: 'private', shell: '/bin/bash' };
const PROCESSES = 80;
const CONFIG = {
  accounts: process.getuid?.() === 0 ? { nobody: PLACE } : {},
  session: {
    hard: '1h',
    // Nothing but the end itself on the terminal.
    warn: [],
    limits: { processes: PROCESSES, memory: '300MiB', openFiles: 200, cpu: '1m', fileSize: '10MiB', nice: 3 },
    roles: {
      brief: { hard: '12s' },
      large: { limits: { processes: 300, memory: 'none', openFiles: 400, nice: 0 }, userNamespaces: true },
      small: { limits: { memory: '64MiB', openFiles: 100 }, userNamespaces: false },
    },
  },
};
const POLICY = `
p, login,   worker, *, @login,   true, allow, checked
p, session, worker, *, @session, true, allow, checked
p, exec,    worker, *, @exec,    true, allow, checked
p, all,     worker, *, *,        true, allow, checked
g, brief, worker
g, large, worker
g, small, worker
`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ policy: POLICY, config: CONFIG, role: 'worker' });
});
afterAll(async () => {
  await broker?.stop();
});

const person = (name: string, ...roles: string[]) => addPerson(broker, name, 'nobody', roles);

async function sessionOf(terminal: Terminal): Promise<string> {
  const shown = await terminal.line('echo id=$SALLYPORT_SESSION.', /id=[0-9a-z]+\./);
  return /id=([0-9a-z]+)\./.exec(shown)?.[1] ?? '';
}

/** What a session of theirs prints of its limits: files, KiB of memory, nice. */
const SHOW = 'echo "limits: $(ulimit -Hn) $(ulimit -d) $(nice) $(unshare -U echo spaces 2>/dev/null)."';

describe('what a session may use', () => {
  it('is what the configuration says, and ulimit shows it', async () => {
    const { stdout } = await broker.exec(SHOW);
    expect(stdout).toBe(`limits: 200 ${300 * 1024} 3 .\n`);
  });

  it('is raised by a role', async () => {
    const { stdout } = await (await person('lara', 'large')).exec(SHOW);
    expect(stdout).toBe('limits: 400 unlimited 0 spaces.\n');
  });

  it('is lowered by a role, and the strictest of several counts', async () => {
    const { stdout } = await (await person('sam', 'small', 'large')).exec(SHOW);
    expect(stdout).toBe(`limits: 100 ${64 * 1024} 0 .\n`);
  });

  it('is what it was when the session started: a role gained concerns the next', async () => {
    const mona = await person('mona', 'worker');
    const terminal = await mona.shell();
    await terminal.line(SHOW, /limits: 200 /);
    await broker.cli('grant', 'mona', '--role', 'large', '--for', '1h', '--reason', 'a large job');
    await terminal.line(SHOW, /limits: 200 /);
    expect((await mona.exec(SHOW)).stdout).toMatch(/^limits: 400 /);
    terminal.type('exit\r');
    await terminal.exit();
  });
});

/** Ways to take all there is, each ended by nothing but its session. */
const STORMS: [what: string, line: string, shown: RegExp][] = [
  ['a fork bomb', 'bomb(){ bomb|bomb& };bomb 2>/dev/null', /has 80 processes, the most allowed/],
  [
    'zombies without end',
    `python3 -c 'import os
while True:
    try:
        if os.fork() == 0: os._exit(0)
    except OSError: pass'`,
    /has 80 processes, the most allowed/,
  ],
  ['an exec storm', 'for i in 1 2 3 4 5; do while :; do /bin/true; done & done; echo go-$((6*7))', /go-42/],
  [
    'stopped processes, and one that holds the terminal',
    `trap "" HUP TERM; for i in $(seq 20); do (trap "" HUP TERM; kill -STOP $BASHPID) & done; exec 9<>/dev/tty; (trap "" HUP TERM; sleep 500) & echo go-$((6*7))`,
    /go-42/,
  ],
  [
    'a memory eater',
    `python3 -c 'x = [bytearray(2**20) for i in range(1000)]'; echo go-$((6*7))`,
    /MemoryError[\s\S]*go-42/,
  ],
];

describe.each(STORMS)('beside %s', (_what, line, shown) => {
  it('another session works, and its own ends at its deadline with all its processes', async () => {
    const name = `brief${STORMS.findIndex(([, l]) => l === line)}`;
    const worker = await broker.shell();
    const stormy = await (await person(name, 'brief')).shell();
    const processes = processesOf(await sessionOf(stormy));
    stormy.type(`${line}\r`);
    await until('it storms', () => shown.test(stormy.shown()));

    await worker.line('for i in $(seq 40); do sleep 3 & done; echo $(jobs -p | wc -l) jobs', /^40 jobs/m);
    await worker.line('kill $(jobs -p); /bin/echo alive-$((40+2))', 'alive-42');
    expect(worker.shown()).not.toContain('the most allowed');

    await until('its deadline', () => stormy.shown().includes('session closed: deadline'), 40_000);
    expect(await stormy.exit()).toBe(254);
    await processes.gone(2_000);
    processes.close();
    expect(stormy.shown().match(/the most allowed/g)?.length ?? 0).toBeLessThanOrEqual(1);
    worker.type('exit\r');
    await worker.exit();
  });
});
