import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROMPT, shellHomeOf, startBroker, type TestBroker } from './broker.js';
import type { Terminal } from './terminal.js';

/**
 * One way to a denied program: what it is, and what is typed into the login shell of a session, in a directory where a
 * file `victim` lies: a line without its Enter, or keys and what must be seen on the screen after them, in turn.
 */
export type Row = readonly [name: string, keys: string | readonly string[]];

const COME_IN = `
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
`;

/** Everything may run: what the rows do where nothing stops them. */
export const NO_DENY = `${COME_IN}
p, all, engineer, *, *, true, allow, checked
`;
/** Everything may run but rm. */
export const DENY_RM = `${NO_DENY}
p, no-rm, *, *, rm **, true, deny, checked
`;

/** What an allow list for these rows may hold, by names of programs. */
export const allowList = (programs: string) => `${COME_IN}
p, tools, engineer, *, {${programs.trim().replace(/\s+/g, '|')}} **, true, allow, checked
`;

const ACCOUNT = process.getuid?.() === 0 ? 65_534 : undefined;
const END = /end-42/;

/** Enter is bash's own again, as an engineer who wants to can have it: the exec gate alone is left. */
const LINE_GATE_OFF = `PS1='${PROMPT}'
for map in emacs vi-insert vi-command; do
  bind -m $map '"\\C-m": accept-line'; bind -m $map '"\\C-j": accept-line'; bind -m $map '"\\C-o": operate-and-get-next'
done
`;

export interface Ground {
  /** Under the policy of the table. */
  held: TestBroker;
  /** The same, with nothing denied. */
  open: TestBroker;
}

/** Two brokers, whose engineers have switched the line gate off. `prepare` is given the home of the sessions of each. */
export function attackGround(policy: string, prepare: (home: string, broker: TestBroker) => void = () => {}): Ground {
  const ground = {} as Ground;
  beforeAll(async () => {
    const start = async (which: keyof Ground, text: string) => {
      const broker = await startBroker({ policy: text });
      ground[which] = broker;
      const home = shellHomeOf(broker.home);
      writeFileSync(join(home, '.bash_profile'), LINE_GATE_OFF);
      own(join(home, 'w'));
      prepare(home, broker);
    };
    const started = await Promise.allSettled([start('held', policy), start('open', NO_DENY)]);
    for (const one of started) if (one.status === 'rejected') throw one.reason;
  });
  afterAll(async () => {
    await Promise.all([ground.held?.stop(), ground.open?.stop()]);
  });
  return ground;
}

/**
 * The rows as tests: gone where nothing is denied, so that the row is an attack at all, and still there where it is.
 * `evenWhereNothingIsDenied` is for what the gate refuses under any policy.
 */
export function attackTable(
  ground: Ground,
  rows: readonly Row[],
  { evenWhereNothingIsDenied = false }: { evenWhereNothingIsDenied?: boolean } = {},
): void {
  it.concurrent.each(rows)('%s', async (name, keys) => {
    const dir = join('w', name.replace(/\W+/g, '-'));
    const [held, open] = await Promise.all([play(ground.held, dir, keys), play(ground.open, dir, keys)]);
    if (!evenWhereNothingIsDenied) expect(open, 'this row takes the file away where nothing is denied').toBe('gone');
    expect(held).toBe('there');
  });
}

/** Types a row in a session of its own; what became of the file when the shell answers again. */
async function play(broker: TestBroker, dir: string, keys: Row[1]): Promise<'there' | 'gone'> {
  const place = join(shellHomeOf(broker.home), dir);
  rmSync(place, { recursive: true, force: true });
  own(place);
  const victim = join(place, 'victim');
  writeFileSync(victim, 'keep\n');
  own(victim);
  const shell = await broker.shell();
  try {
    await shell.line(`cd ${dir}; echo in-$((40+2))`, 'in-42');
    await shell.waitFor(PROMPT, { from: shell.shown().lastIndexOf('in-42') });
    await enter(shell, typeof keys === 'string' ? [`${keys}\r`] : keys);
    await answers(shell);
    return existsSync(victim) ? 'there' : 'gone';
  } finally {
    shell.kill();
  }
}

/** Resolves when the shell reads lines again. A program that ends may throw away what was typed ahead. */
async function answers(shell: Terminal): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await shell.line('echo end-$((40+2))', END, 2_500);
      return;
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

async function enter(shell: Terminal, keys: readonly string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += 2) {
    const from = shell.shown().length;
    shell.type(keys[i] ?? '');
    const shows = keys[i + 1];
    if (shows !== undefined) await shell.waitFor(shows, { from, timeoutMs: 20_000 });
  }
}

/** Gives a file, or a directory that is made where it is missing, to the account of the sessions. */
export function own(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  if (ACCOUNT !== undefined) chownSync(path, ACCOUNT, ACCOUNT);
}

/** A line with a denied command runs up to it: with the line gate on, nothing of it would. */
export function lineGateIsOff(ground: Ground): void {
  it('the line gate is off in these sessions', async () => {
    const shell = await ground.held.shell();
    await shell.line('touch before; rm nothing; touch after; echo end-$((40+2))', END);
    shell.kill();
    const there = ['before', 'after'].map((name) => existsSync(join(shellHomeOf(ground.held.home), name)));
    expect(there).toEqual([true, true]);
  });
}

/** A program of python, as it is typed. */
export const py = (text: string) => [`python3 - <<'EOF'\r${text.replaceAll('\n', '\r')}\rEOF\r`];
