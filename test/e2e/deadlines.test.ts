import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson } from '../helpers/people.js';
import { processesOf, until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';
import { notLater } from '../helpers/until.js';

interface Listed {
  id: string;
  user: string;
  door: number;
  idleAt: string;
  deadlineAt: string;
  deadlineCause: string;
}
interface Entry {
  at: string;
  event: string;
  session?: string;
  cause?: string;
}

const PLACE = { home: 'private', shell: '/bin/bash' };
const CONFIG = {
  doors: 2,
  accounts: process.getuid?.() === 0 ? { nobody: PLACE } : {},
  session: {
    idle: '1h',
    hard: '1h',
    warn: ['2s', '1s'],
    recheck: '250ms',
    roles: {
      idler: { idle: '3s' },
      sleepy: { idle: '5s' },
      brief: { hard: '9s' },
      hasty: { hard: '6s' },
      stalled: { hard: '10s' },
    },
  },
};
/** `timed` may be in a session only until `end`. */
const policy = (end: Date) => `
p, login,   *,      *, @login,   true, allow, checked
p, exec,    *,      *, @exec,    true, allow, checked
p, all,     worker, *, *,        true, allow, checked
p, session, worker, *, @session, true, allow, checked
p, guest-s, guest,  *, @session, true, allow, checked
p, guest-c, guest,  *, *,        true, allow, checked
p, little,  viewer, *, {echo|exit} **, true, allow, checked
p, viewing, viewer, *, @session, true, allow, checked
p, helping, helper, *, id **,    true, allow, checked
p, timed,   timed,  *, @session, time.now < timestamp('${end.toISOString()}'), allow, checked
g, idler, worker
g, sleepy, worker
g, brief, worker
g, hasty, worker
g, stalled, worker
`;
/** How late the broker may write down an end, by its own clock. Generous: the machine is shared. Unit: ms. */
const LATE_MS = 1_000;

let broker: TestBroker;
const inAnHour = () => new Date(Date.now() + 3_600_000);

beforeAll(async () => {
  broker = await startBroker({ policy: policy(inAnHour()), config: CONFIG, role: 'worker' });
});
afterAll(async () => {
  await broker?.stop();
});

const person = (name: string, ...roles: string[]) => addPerson(broker, name, 'nobody', roles);
const listed = async (user: string) => {
  const found = (await broker.json<Listed[]>('sessions')).find((s) => s.user === user);
  if (!found) throw new Error(`no session of ${user}`);
  return found;
};

/** The entry of its end, once it is written. */
async function endOf(session: string): Promise<Entry> {
  let end: Entry | undefined;
  await until('the end is in the audit log', async () => {
    const { stdout } = await broker.cli('--json', 'audit', '--session', session);
    const entries = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Entry]));
    end = entries.find((e) => e.event === 'session-end');
    return end !== undefined;
  });
  return end as Entry;
}

/** The end came at its moment, with its cause, and nothing of the session is left. */
async function endedOnTime(session: Listed, at: string, cause: string): Promise<void> {
  const end = await endOf(session.id);
  expect(end.cause).toBe(cause);
  const late = Date.parse(end.at) - Date.parse(at);
  expect(late).toBeGreaterThanOrEqual(-5);
  notLater(late, LATE_MS);
}

/** The pid of the ssh client that runs in a test's terminal. */
function clientOf(terminal: Terminal): number {
  const { pid } = terminal.child;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

async function shownOut(shell: Terminal, cause: string): Promise<void> {
  expect(await shell.exit(20_000)).toBe(254);
  // Once ssh has given the terminal back, what a test still types is echoed after the last line.
  expect(shell.shown()).toMatch(new RegExp(`(^|\\n)sallyport: session closed: ${cause}\r?\n(\\^\\S*)?$`));
}

describe('a session ends', () => {
  it.concurrent('when no input came for the idle limit, after a warning', async () => {
    const shell = await (await person('quiet', 'sleepy')).shell();
    for (let i = 0; i < 4; i += 1) {
      await sleep(1_500);
      await shell.line(`echo awake-$((${i}+10))`, `awake-${i + 10}`);
    }
    // The keeper hears of input with the door's next beat.
    await sleep(1_200);
    const session = await listed('quiet');
    await shell.waitFor(/\nsallyport: no input for 4s; this session closes in 1s\r\n/);
    await shownOut(shell, 'idle');
    await endedOnTime(session, session.idleAt, 'idle');
  });

  it.concurrent('as idle though a program prints and the terminal answers, reports focus, motion and size', async () => {
    const shell = await (await person('reporter', 'sleepy')).shell();
    await shell.line('while :; do echo tick; sleep 0.2; done', 'tick');
    await sleep(1_200);
    const session = await listed('reporter');
    const reports = [
      '\x1b[12;40R',
      '\x1b[?62;22c',
      '\x1b[I',
      '\x1b[O',
      '\x1b[<35;10;7M',
      '\x1b]11;rgb:0000/0000/0000\x07',
    ];
    let sent = 0;
    const timer = setInterval(() => {
      shell.type(reports[sent % reports.length] ?? '');
      shell.resize(80 + (sent % 9), 24);
      sent += 1;
    }, 150);
    await shownOut(shell, 'idle').finally(() => clearInterval(timer));
    expect(sent).toBeGreaterThan(10);
    await endedOnTime(session, session.idleAt, 'idle');
  });

  it.concurrent('as idle without a terminal only when no byte went either way', async () => {
    const someone = await person('piper', 'idler');
    const talking = await someone.exec('for i in 1 2 3 4 5 6 7; do echo $i; sleep 0.7; done');
    expect(talking).toMatchObject({ code: 0, stdout: '1\n2\n3\n4\n5\n6\n7\n' });
    const child = spawn('ssh', [...someone.sshArgs('-T'), 'cat >/dev/null; echo over'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    for (const stream of child.stdio) stream?.on('error', () => {});
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    for (let i = 0; i < 7; i += 1) {
      child.stdin.write('x');
      await sleep(700);
    }
    child.stdin.end();
    expect(await closed).toBe(0);
    expect(said).toBe('over\n');
    const silent = await someone.exec('sleep 30');
    expect(silent).toMatchObject({ code: 254, stdout: '' });
    expect(silent.stderr).toMatch(
      /^sallyport: no input for 2s; this session closes in 1s\nsallyport: session closed: idle\n$/,
    );
  });

  it.concurrent('at the hard limit, the shortest of the roles, after its warnings, busy or not', async () => {
    const shell = await (await person('busy', 'worker', 'brief', 'hasty')).shell();
    const session = await listed('busy');
    expect(shell.shown()).toMatch(/is recorded; it closes in 6s \(/);
    await shell.line('while :; do echo tick; sleep 0.1; done', 'tick');
    await shell.waitFor(/\nsallyport: this session closes in 2s \(deadline\)\r\n/);
    shell.type('x');
    await shell.waitFor(/\nsallyport: this session closes in 1s \(deadline\)\r\n/);
    await shownOut(shell, 'deadline');
    await endedOnTime(session, session.deadlineAt, 'deadline');
  });

  it.concurrent('with every process of it: nohup, setsid, double forks, traps and stopped jobs', async () => {
    const shell = await (await person('stubborn', 'brief')).shell();
    const session = await listed('stubborn');
    const lines = [
      "trap '' HUP TERM INT QUIT",
      'nohup sleep 611 >/dev/null 2>&1 &',
      'setsid bash -c \'trap "" HUP TERM; while :; do sleep 1; done\' &',
      '(setsid bash -c "(setsid sleep 612 &) &" &)',
      'bash -c \'trap "" HUP TERM CONT; kill -STOP $$; sleep 613\' &',
      'python3 -c "import os,time; os.fork() or os.setsid() or os.fork() or time.sleep(614)"',
    ];
    for (const line of lines.slice(0, -1)) await shell.line(`${line}\recho typed-$((20+2))`, 'typed-22');
    shell.type(`${lines.at(-1)}\r`);
    await sleep(300);
    shell.type('\x1a');
    const processes = processesOf(session.id);
    await until('all of it runs', () => processes.alive().length > 7);
    await shownOut(shell, 'deadline');
    expect(processes.describe()).toEqual([]);
    processes.close();
    await endedOnTime(session, session.deadlineAt, 'deadline');
  });

  it.concurrent("at its client's back: one that has stopped reading delays nothing", async () => {
    const shell = await (await person('frozen', 'hasty')).shell();
    const session = await listed('frozen');
    const processes = processesOf(session.id);
    await shell.line('yes flood', 'flood\r\nflood');
    const client = clientOf(shell);
    process.kill(client, 'SIGSTOP');
    try {
      await sleep(Math.max(0, Date.parse(session.deadlineAt) - Date.now()));
      await processes.gone(1_000);
      await endedOnTime(session, session.deadlineAt, 'deadline');
    } finally {
      processes.close();
      process.kill(client, 'SIGKILL');
    }
  });

  it.concurrent("at a grant's end where @session then fails, warned of", async () => {
    const guest = await person('guest');
    const granted = await broker.json<{ grant: { until: string } }>(
      ...['grant', 'guest', '--role', 'guest', '--for', '8s', '--reason', 'a look'],
    );
    const shell = await guest.shell();
    const session = await listed('guest');
    expect(session).toMatchObject({ deadlineAt: granted.grant.until, deadlineCause: 'deadline' });
    await shell.waitFor(/\nsallyport: this session closes in 1s \(deadline\)\r\n/);
    await shownOut(shell, 'deadline');
    await endedOnTime(session, granted.grant.until, 'deadline');
    expect(await guest.exec('true')).toMatchObject({ code: 255, stderr: expect.stringContaining('Permission denied') });
  });

  it.concurrent("not at a grant's end where @session holds without it: its rights go, the shell stays", async () => {
    const viewer = await person('viewer', 'viewer');
    const granted = await broker.json<{ grant: { until: string } }>(
      ...['grant', 'viewer', '--role', 'helper', '--for', '8s', '--reason', 'a hand'],
    );
    const shell = await viewer.shell();
    const session = await listed('viewer');
    await shell.line('remembered=41; id -u; echo ran-$?', /\d+\r\nran-0/);
    await sleep(Date.parse(granted.grant.until) - Date.now() + 300);
    await shell.line('id -u', 'sallyport: denied: id -u (no rule allows it)');
    await shell.line('echo still-$((remembered+1))', 'still-42');
    expect((await listed('viewer')).id).toBe(session.id);
    shell.type('exit 3\r');
    expect(await shell.exit()).toBe(3);
    expect(shell.shown()).not.toContain('session closed');
  });

  it.concurrent('at a time edge of @session, also one that an edited policy brings', async () => {
    const shell = await (await person('timely', 'timed')).shell();
    const end = new Date(Date.now() + 16_000);
    writeFileSync(join(broker.home, 'policies', 'policy.csv'), policy(end));
    broker.process.kill('SIGHUP');
    await until('the new deadline is known', async () => (await listed('timely')).deadlineAt === end.toISOString());
    const session = await listed('timely');
    await shell.waitFor(/\nsallyport: this session closes in 1s \(deadline\)\r\n/, { timeoutMs: 20_000 });
    await shownOut(shell, 'deadline');
    await endedOnTime(session, end.toISOString(), 'deadline');
  });
});

describe('the keeper ends a session on time', () => {
  it.each([
    ['its door has stalled', ['doorPid']],
    ['door and guard have stalled', ['doorPid', 'guardPid']],
  ] as const)('when %s', async (name, stalled) => {
    const someone = await person(`stalled-${stalled.length}`, 'stalled');
    const shell = await someone.shell();
    const session = await listed(someone.name);
    await shell.line("trap '' HUP TERM; nohup sleep 611 >/dev/null 2>&1 &\recho typed-$((20+2))", 'typed-22');
    const processes = processesOf(session.id);
    const { doors } = await broker.json<{ doors: { door: number; doorPid: number; guardPid: number }[] }>('status');
    const pair = doors.find(({ door }) => door === session.door);
    await sleep(Math.max(0, Date.parse(session.deadlineAt) - Date.now() - 700));
    for (const which of stalled) process.kill(pair?.[which] ?? 0, 'SIGSTOP');
    if (processes.alive().length === 0) throw new Error(`late: its deadline came before ${name}`);
    await sleep(Math.max(0, Date.parse(session.deadlineAt) - Date.now()));
    await processes.gone(1_000);
    processes.close();
    expect((await endOf(session.id)).cause).toBe('deadline');
    // Only a guard that cannot end a session goes with it: other sessions of the pair are not cut for one.
    const lost = (await broker.cli('audit', '--event', 'door-lost')).stdout.trim().split('\n').at(-1);
    if (stalled.length === 1) expect(lost).toContain('door stalled');
    else expect(lost).toContain('would not end');
  });
});
