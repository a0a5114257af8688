import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_POLICY, PROMPT, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import type { Terminal } from '../helpers/terminal.js';

const isRoot = process.getuid?.() === 0;

/** A system account for each shell, and the rc file in which its engineer sets the prompt and a variable. */
const SHELLS = {
  bash: { account: 'games', path: '/bin/bash', rc: '.bash_profile', text: `PS1='${PROMPT}'\nMINE=rc\n` },
  zsh: { account: 'man', path: '/bin/zsh', rc: '.zshrc', text: `PROMPT='${PROMPT}'\nMINE=rc\n` },
  fish: {
    ...{ account: 'lp', path: '/usr/bin/fish', rc: '.config/fish/config.fish' },
    text: `function fish_prompt; echo -n '${PROMPT}'; end\nset MINE rc\n`,
  },
  dash: { account: 'mail', path: '/bin/dash', rc: '.profile', text: `PS1='${PROMPT}'\nMINE=rc\n` },
  busybox: { account: 'news', path: '', rc: '.profile', text: `PS1='${PROMPT}'\nMINE=rc\n` },
};
/** Says when it starts, is continued and is interrupted. */
const JOB = `trap 'echo job goes on' CONT; trap 'echo job has ended; exit' INT; echo job is up
while :; do sleep 0.1; done`;
type Name = keyof typeof SHELLS;
const names = Object.keys(SHELLS) as Name[];
const IDS: Record<Name, number> = { bash: 5, zsh: 6, fish: 7, dash: 8, busybox: 9 };
const LINE_GATED: Name[] = ['bash', 'zsh', 'fish'];

describe.skipIf(!isRoot)('an account’s own shell (only root launches accounts)', () => {
  let broker: TestBroker;
  let links: string;
  const people = new Map<Name, Person>();

  beforeAll(async () => {
    // Where accounts see it: /tmp is hidden from sessions.
    links = mkdtempSync('/var/tmp/spt-shells-');
    chmodSync(links, 0o755);
    symlinkSync('/bin/busybox', join(links, 'ash'));
    const pathOf = (name: Name) => SHELLS[name].path || join(links, 'ash');
    const accounts = Object.fromEntries(
      names.map((name) => [SHELLS[name].account, { home: 'private', shell: pathOf(name) }]),
    );
    broker = await startBroker({
      policy: OPEN_POLICY,
      config: { accounts: { nobody: { home: 'private', shell: '/bin/bash' }, ...accounts } },
    });
    for (const name of names) {
      people.set(name, await addPerson(broker, name, SHELLS[name].account));
      writeOwned(name, SHELLS[name].rc, SHELLS[name].text);
      writeOwned(name, 'job', JOB);
    }
  }, 60_000);
  afterAll(async () => {
    await broker?.stop();
    rmSync(links, { recursive: true, force: true });
  });

  const homeOf = (name: Name) => join(broker.home, 'homes', SHELLS[name].account);
  const writeOwned = (name: Name, file: string, text: string) => {
    let dir = homeOf(name);
    const parts = file.split('/');
    for (const part of parts.slice(0, -1)) {
      dir = join(dir, part);
      mkdirSync(dir, { recursive: true });
      chownSync(dir, IDS[name], IDS[name]);
    }
    writeFileSync(join(homeOf(name), file), text);
    chownSync(join(homeOf(name), file), IDS[name], IDS[name]);
  };
  const person = (name: Name): Person => {
    const found = people.get(name);
    if (found === undefined) throw new Error(`nobody has ${name}`);
    return found;
  };
  const open = (name: Name): Promise<Terminal> => person(name).shell();
  /** A program is refused by the exec gate alone where the word is not known beforehand. */
  const hidden = (name: Name) => (name === 'fish' ? 'set c rm; $c -r victim' : 'c=rm; $c -r victim');
  const status = (name: Name) => (name === 'fish' ? 'echo "s=$status"' : 'echo "s=$?"');

  it.each(names)('%s: logs in with its rc files, says its status, logs out', async (name) => {
    const shell = await open(name);
    await shell.line('echo "mine=$MINE"', 'mine=rc');
    await shell.line("sh -c 'exit 7'", PROMPT);
    await shell.line(status(name), 's=7');
    await shell.line('echo "$SHELL $HOME"', SHELLS[name].path || `${links}/ash`);
    shell.type(name === 'bash' || name === 'zsh' ? 'logout\r' : 'exit\r');
    expect(await shell.exit()).toBe(0);
  });

  it.each(names)(
    '%s: a denied program is refused, what it would have removed is there, and the shell lives',
    async (name) => {
      writeOwned(name, 'victim', '');
      const shell = await open(name);
      await shell.line(hidden(name), 'sallyport: denied: rm -r victim, started by');
      await shell.line(status(name), 's=126');
      expect(existsSync(join(homeOf(name), 'victim'))).toBe(true);
      // After a failed exec the others end, as anywhere.
      if (name === 'bash') await shell.line('exec $c -r victim', 'Permission denied');
      await shell.line('echo "alive $(pwd)"', /alive \//);
      expect(existsSync(join(homeOf(name), 'victim'))).toBe(true);
      shell.kill();
    },
  );

  it.each(names)(
    '%s: jobs stop, go on and end, ^C ends the foreground, and the window’s size is told',
    async (name) => {
      const shell = await open(name);
      await shell.line('sh job', 'job is up');
      shell.type('\x1a');
      await shell.waitFor(/[Ss]topped|suspended/);
      await shell.line('jobs', /[Ss]topped|suspended/);
      await shell.line('fg', 'job goes on');
      shell.type('\x03');
      await shell.waitFor('job has ended');
      shell.resize(90, 20);
      await shell.line('stty size', /20 90/);
      shell.kill();
    },
  );

  it.each(names)('%s: ssh host command runs, gives its status, and is refused whole', async (name) => {
    writeOwned(name, 'victim', '');
    const ran = await person(name).exec('echo out; sh -c "exit 9"');
    expect([ran.stdout, ran.code]).toEqual(['out\n', 9]);
    const refused = await person(name).exec('touch half; rm -r victim');
    expect([refused.stderr, refused.code]).toEqual(['sallyport: denied: rm -r victim (no-rm: denied by rule)\n', 126]);
    expect(['half', 'victim'].map((f) => existsSync(join(homeOf(name), f)))).toEqual([false, true]);
  });

  it.each(LINE_GATED)('%s: a denied line does nothing at all and leaves the status', async (name) => {
    writeOwned(name, 'victim', '');
    const shell = await open(name);
    await shell.line("sh -c 'exit 42'", PROMPT);
    await shell.line('touch half; rm -r victim', /denied: rm -r victim \(no-rm: denied by rule\)/);
    await shell.line(status(name), 's=42');
    // fish looks at what was put into its history once a second.
    await shell.line('sleep 1.1; echo "sl"ept', /\bslept\r\n/);
    shell.type('\x1b[A\x1b[A\x1b[A\r');
    await shell.waitFor(/(denied: rm -r victim \(no-rm[\s\S]*){2}/);
    expect(['half', 'victim'].map((f) => existsSync(join(homeOf(name), f)))).toEqual([false, true]);
    shell.kill();
  });
});

/** ^Z comes between vfork and exec, where a stopped child would hold its parent, and the shell, for good. */
const VFORK = `
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int status;
  pid_t child = vfork();
  if (child == 0) {
    kill(getpid(), SIGTSTP);
    execl("/bin/echo", "echo", "child goes on", (char *)0);
    _exit(1);
  }
  waitpid(child, &status, WUNTRACED);
  printf("child has stopped: %d\\n", WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
  fflush(stdout);
  kill(child, SIGCONT);
  waitpid(child, &status, 0);
  return 0;
}
`;

it('a ^Z between vfork and exec does not hang the shell', async () => {
  const own = await startBroker({ policy: OPEN_POLICY });
  try {
    writeFileSync(join(shellHomeOf(own.home), 'v.c'), VFORK);
    const shell = await own.shell();
    await shell.line('gcc -o v v.c && ./v', /child has stopped: 1\r\nchild goes on/, 20_000);
    await shell.line('echo "ba""ck"', /\bback\r\n/);
    shell.kill();
  } finally {
    await own.stop();
  }
});
