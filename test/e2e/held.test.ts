import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { enrol } from '../helpers/factor.js';
import { POLICY, QUESTION } from '../helpers/hostid.js';
import { addPerson, type Person } from '../helpers/people.js';
import { until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

const isRoot = process.getuid?.() === 0;

const DENIED = 'sallyport: denied: hostid';
const HOSTID = /[\r\n][0-9a-f]{8}\r/;
const SLOW = { timeoutMs: 20_000 };

const cast = (broker: TestBroker, id: string) =>
  readdirSync(join(broker.home, 'recordings'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(`${id}.cast`))
    .map((path) => readFileSync(join(broker.home, 'recordings', path), 'utf8'))
    .join('');
const idIn = (shown: string) => /session (\w{26}) is recorded/.exec(shown)?.[1] ?? 'none';

/** Shells whose lines are held, and one where only programs are. */
const SHELLS = {
  bash: { account: 'games', path: '/bin/bash', rc: '.bash_profile', text: `PS1='${PROMPT}'\n` },
  zsh: { account: 'man', path: '/bin/zsh', rc: '.zshrc', text: `PROMPT='${PROMPT}'\n` },
  fish: {
    ...{ account: 'lp', path: '/usr/bin/fish', rc: '.config/fish/config.fish' },
    text: `function fish_prompt; echo -n '${PROMPT}'; end\n`,
  },
  dash: { account: 'mail', path: '/bin/dash', rc: '.profile', text: `PS1='${PROMPT}'\n` },
};
type Name = keyof typeof SHELLS;

describe.skipIf(!isRoot)('in every shell (only root launches accounts)', () => {
  let broker: TestBroker;
  const people = new Map<Name, Person>();
  beforeAll(async () => {
    const accounts = Object.fromEntries(
      Object.values(SHELLS).map(({ account, path }) => [account, { home: 'private', shell: path }]),
    );
    broker = await startBroker({
      policy: POLICY,
      config: { accounts: { nobody: { home: 'private', shell: '/bin/bash' }, ...accounts } },
    });
    for (const name of Object.keys(SHELLS) as Name[]) {
      const { account, rc, text } = SHELLS[name];
      people.set(name, await addPerson(broker, name, account));
      const home = join(broker.home, 'homes', account);
      const { mkdirSync, chownSync, statSync } = await import('node:fs');
      const { uid, gid } = statSync(home);
      mkdirSync(join(home, '.config/fish'), { recursive: true });
      writeFileSync(join(home, rc), text);
      for (const path of ['.config', '.config/fish', rc]) chownSync(join(home, path), uid, gid);
    }
  }, 60_000);
  afterAll(() => broker?.stop());

  it.each(Object.keys(SHELLS) as Name[])(
    '%s: a code lets a line go, what was typed ahead runs after it, and the code is nowhere',
    async (name) => {
      const shell = await people.get(name)?.shell();
      if (!shell) throw new Error('nobody');
      const { code, secret } = await enrol(broker, name);
      shell.type('hostid; echo so-42\recho a-2-head\r');
      await shell.waitFor(QUESTION, SLOW);
      shell.resize(90, 20);
      shell.type('12');
      await shell.waitFor('code: **', SLOW);
      shell.type('\x7f\x7f000000\r');
      await shell.waitFor('that is not it, 2 tries left. Verification code: ', SLOW);
      const right = code();
      const from = shell.shown().length;
      shell.type(`${right}\recho af-ter\r`);
      await shell.waitFor(HOSTID, { from, ...SLOW });
      await shell.waitFor(/[\r\n]so-42/, { from, ...SLOW });
      await shell.waitFor(/(?:[\r\n]|\$ )a-2-head/, { from, ...SLOW });
      await shell.waitFor(/(?:[\r\n]|\$ )af-ter/, { from, ...SLOW });
      await shell.line('stty size', '20 90', 20_000);
      await shell.line('hostid; echo fresh-yet', /[\r\n]fresh-yet/, 20_000);
      const id = idIn(shell.shown());
      shell.type('exit\r');
      await shell.exit();
      const records = cast(broker, id) + readFileSync(join(broker.home, 'state/audit.log'), 'utf8') + broker.log();
      for (const word of [right, '000000', secret]) expect(records).not.toContain(word);
      expect(records).toContain('"held: hostid');
      expect(records).toContain('"proved: hostid');
      expect(shell.shown()).not.toContain(right);
    },
    60_000,
  );

  it.each(Object.keys(SHELLS) as Name[])(
    '%s: Ctrl-C and three wrong codes refuse it as ever, and the shell goes on',
    async (name) => {
      const shell = await people.get(name)?.shell();
      if (!shell) throw new Error('nobody');
      await enrol(broker, name);
      await shell.line('hostid', QUESTION, 20_000);
      let from = shell.shown().length;
      shell.type('\x03');
      await shell.waitFor(DENIED, { from, ...SLOW });
      await shell.waitFor(PROMPT, { from, ...SLOW });
      await shell.line('echo go-on', /[\r\n]go-on/, 20_000);
      await shell.line('hostid', QUESTION, 20_000);
      // What is shaped like no code costs a try, and no guess of the limiter's.
      for (const [typed, answer] of [
        ['ls -l', '2 tries left'],
        ['rm', '1 try left'],
        ['1234567', DENIED],
      ] as const) {
        from = shell.shown().length;
        shell.type(`${typed}\r`);
        await shell.waitFor(answer, { from, ...SLOW });
      }
      await shell.waitFor('no code that was typed was right', { from, ...SLOW });
      await shell.line('echo still', /(?:[\r\n]|\$ )still/, 20_000);
      shell.type('exit\r');
      await shell.exit();
    },
    60_000,
  );
});

describe('a line that lacks a fresh second factor', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY, config: { session: { hard: '10m' }, doors: 2 } });
  });
  afterAll(() => broker?.stop());
  const held = async () => {
    await enrol(broker, 'alice');
    return await heldAgain();
  };
  const heldAgain = async () => {
    const shell = await broker.shell();
    await shell.line('hostid', QUESTION, 20_000);
    return shell;
  };

  it('is refused to who has no factor, and they are told so', async () => {
    await broker.cli('user', 'mfa', 'remove', 'alice');
    const shell = await broker.shell();
    await shell.line('hostid', /denied: hostid \(fresh: denied by rule\); .*you have none: an admin can give you one/);
    await shell.line('echo go-on', /[\r\n]go-on/);
    expect(shell.shown()).not.toContain('Verification code');
    shell.kill();
  });

  it('takes no code twice, nor one of a login, and takes a recovery code', async () => {
    const factor = await enrol(broker, 'alice');
    const right = factor.code();
    const first = await heldAgain();
    first.type(`${right}\r`);
    await first.waitFor(HOSTID, SLOW);
    const second = await heldAgain();
    second.type(`${right}\r`);
    await second.waitFor('that one was used before, 2 tries left. Verification code: ', SLOW);
    second.type(`${factor.recoveryCodes[0]}\r`);
    await second.waitFor(HOSTID, SLOW);
    for (const shell of [first, second]) shell.kill();
  });

  it('ends on time with its session: killed, locked', async () => {
    for (const end of ['kill', 'lock'] as const) {
      const shell = await held();
      const id = idIn(shell.shown());
      const ran =
        end === 'kill'
          ? await broker.cli('kill', id, '--reason', 'test')
          : await broker.cli('lock', '--user', 'alice', '--reason', 'test', '--for', '2s');
      expect(ran.code).toBe(0);
      expect(await shell.exit()).toBe(254);
      expect(shell.shown()).toContain(`session closed: ${end === 'kill' ? 'killed' : 'locked'}`);
      await until('the lock ends', async () => (await broker.exec('true')).code === 0);
    }
  }, 60_000);

  it('a right that comes while it is held lets it go; one that goes has it refused', async () => {
    const shell = await held();
    const open = POLICY.replace('p, fresh', '#p, fresh');
    writeFileSync(join(broker.home, 'policies/policy.csv'), open);
    broker.process.kill('SIGHUP');
    await shell.waitFor(HOSTID, SLOW);
    writeFileSync(join(broker.home, 'policies/policy.csv'), POLICY);
    broker.process.kill('SIGHUP');
    await until(
      'the rule is back',
      async () => (await broker.cli('explain', 'alice', 'local', '--', 'hostid')).code === 4,
    );
    await shell.line('hostid', QUESTION, 20_000);
    const from = shell.shown().length;
    writeFileSync(join(broker.home, 'policies/policy.csv'), POLICY.replace("mfa.age > duration('20m')", 'true'));
    broker.process.kill('SIGHUP');
    await shell.waitFor(DENIED, { from, ...SLOW });
    writeFileSync(join(broker.home, 'policies/policy.csv'), POLICY);
    broker.process.kill('SIGHUP');
    shell.kill();
  }, 60_000);

  it('a door that dies takes it along', async () => {
    const shell = await held();
    const { doors } = await broker.json<{ doors: { doorPid: number; sessions: number }[] }>('status');
    for (const { doorPid, sessions } of doors) if (sessions > 0) process.kill(doorPid, 'SIGKILL');
    expect(await shell.exit()).not.toBe(0);
    await until('another takes connections', async () => (await broker.exec('true')).code === 0);
  }, 60_000);

  it('guesses are counted together with those at logins, and then none is looked at for a while', async () => {
    const shell = await held();
    for (const guess of ['111111', '222222', '333333']) {
      const from = shell.shown().length;
      shell.type(`${guess}\r`);
      await shell.waitFor(/left|denied/, { from, ...SLOW });
    }
    await shell.line('hostid', QUESTION, 20_000);
    for (const guess of ['444444', '555555']) {
      const from = shell.shown().length;
      shell.type(`${guess}\r`);
      await shell.waitFor(/left|denied/, { from, ...SLOW });
    }
    await shell.line('hostid', /denied: hostid .*too many codes were wrong: one is looked at again in [45]m/, 20_000);
    shell.kill();
    const { stdout } = await broker.cli('--json', 'audit', '--event', 'factor');
    expect(stdout.match(/"allow":false/g)?.length).toBeGreaterThanOrEqual(5);
  }, 60_000);
});

describe('a program that lacks a fresh second factor', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
    const home = shellHomeOf(broker.home);
    writeFileSync(join(home, 'loop.sh'), 'for i in 1 2 3; do hostid $i; done; echo loop-$?\n', { mode: 0o755 });
    writeFileSync(join(home, 'slow.sh'), 'sleep 1; c=hostid; $c $1; echo slow-$?\n', { mode: 0o755 });
    writeFileSync(join(home, 'two'), 'c=hostid; $c $1; echo not-me\n', { mode: 0o755 });
    await enrol(broker, 'alice');
  });
  afterAll(() => broker?.stop());
  const ASKED = 'Verification code: ';
  const inShell = async (act: (shell: Terminal) => Promise<void>) => {
    const shell = await broker.shell();
    await act(shell);
    await shell.line('echo shell-goes-on', /[\r\n]shell-goes-on/, 20_000);
    shell.kill();
  };

  it('in a script is held, and Ctrl-C gives its caller a refusal; a loop asks once', () =>
    inShell(async (shell) => {
      for (const round of [1, 2]) {
        const from = shell.shown().length;
        await shell.line('sh loop.sh', `hostid ${1} needs a fresh second factor (fresh). ${ASKED}`, 20_000);
        shell.type('\x03');
        await shell.waitFor('loop-126', { from, ...SLOW });
        expect(shell.shown().split(ASKED)).toHaveLength(round + 1);
      }
    }));

  it(
    'in the background, in another terminal, or without one is refused at once, with where it would be asked for',
    () =>
      inShell(async (shell) => {
        const where =
          /denied: hostid.*factor would allow it: in the foreground, at a prompt of the shell, you are asked for it/;
        for (const line of [
          'sh slow.sh back & sleep 2',
          'script -qc "sh slow.sh script" /dev/null',
          'setsid -w sh slow.sh setsid',
        ]) {
          const from = shell.shown().length;
          await shell.line(line, where, 20_000);
          await shell.waitFor('slow-126', { from, ...SLOW });
          await shell.waitFor(/slow-126[\s\S]*ready\$ $/, { from, ...SLOW });
        }
        expect(shell.shown()).not.toContain(ASKED);
      }),
    60_000,
  );

  it('that leaves the foreground is asked about no more, and what is typed is the shell’s', () =>
    inShell(async (shell) => {
      await shell.line(
        `printf '(host''id &)\\nsleep 2\\necho le''ft\\n' > away.sh; cat away.sh`,
        /echo left\r?\n/,
        20_000,
      );
      const from = shell.shown().length;
      shell.type('sh away.sh\r');
      await shell.waitFor(ASKED, { from, ...SLOW });
      await shell.waitFor(/denied: hostid.*factor would allow it: in the foreground, at a prompt/, { from, ...SLOW });
      await shell.line('echo typed-$((40+2))', 'typed-42', 20_000);
      expect(shell.shown().split(ASKED)).toHaveLength(2);
    }));

  it(
    'of a full-screen program is never asked for over its screen',
    () =>
      inShell(async (shell) => {
        shell.type('vim -Nu NONE\r');
        await shell.waitFor('~', SLOW);
        let from = shell.shown().length;
        shell.type(':!sh two\r');
        await shell.waitFor(ASKED, { from, ...SLOW });
        // vim has left its screen for the command.
        expect(shell.shown().slice(from)).toContain('\x1b[?1049l');
        shell.type('\x03');
        await shell.waitFor('denied: hostid', { from, ...SLOW });
        await shell.waitFor('Press ENTER', { from, ...SLOW });
        shell.type('\r');
        await shell.waitFor('\x1b[?1049h', { from, ...SLOW });
        from = shell.shown().length;
        shell.type(':q!\r');
        await shell.waitFor(PROMPT, { from, ...SLOW });
        await shell.line('echo -n vim-; echo over', /vim-over/, 20_000);
        from = shell.shown().length;
        shell.type('less -f two\r');
        await shell.waitFor('not-me', { from, ...SLOW });
        from = shell.shown().length;
        shell.type('!sh two less\r');
        await shell.waitFor(ASKED, { from, ...SLOW });
        shell.type('\x03');
        await shell.waitFor('denied: hostid', { from, ...SLOW });
        shell.type('\rq');
      }),
    60_000,
  );

  it(
    'that is killed while it is held takes its question along',
    () =>
      inShell(async (shell) => {
        const from = shell.shown().length;
        shell.type("(sleep 2; pkill -KILL -f '^sh two') & sh two; echo two-$?\r");
        await shell.waitFor(ASKED, { from, ...SLOW });
        await shell.waitFor('two-137', { from, ...SLOW });
      }),
    60_000,
  );

  it(
    'in a pipeline goes with all of it, once the code is there',
    () =>
      inShell(async (shell) => {
        const { code } = await enrol(broker, 'alice');
        await shell.line('c=hostid; $c | cat - <($c) | sort | uniq -c; echo pi-ped', ASKED, 20_000);
        const from = shell.shown().length;
        shell.type(`${code()}\r`);
        await shell.waitFor(/2 [0-9a-f]{8}/, { from, ...SLOW });
        await shell.waitFor(/[\r\n]pi-ped/, { from, ...SLOW });
        expect(shell.shown().slice(from)).not.toContain('denied');
      }),
    60_000,
  );
});
