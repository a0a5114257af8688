/** A real login shell in a real terminal (tmux), with the real start-up files and hook, and a door on its FIFOs. */
import { execFileSync } from 'node:child_process';
import { constants, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { sleep, systemClock } from '../../src/core/clock.js';
import type { ShellName } from '../../src/core/shells.js';
import { decideLine } from '../../src/gate/line.js';
import { openLineGate } from '../../src/gate/line-gate.js';
import { createLookup } from '../../src/gate/lookup.js';
import type { LineEvent } from '../../src/gate/shells.js';
import type { GateMode } from '../../src/gate/types.js';
import type { Rights } from '../../src/policy/types.js';
import { tryRights } from './rights.js';

const SHELL_DIR = join(import.meta.dirname, '../../src/gate/shell');
const RW = constants.O_RDWR | constants.O_NONBLOCK;

/** The files of each shell's gate, and what a machine's own start-up file says here. */
const SHELLS: Record<ShellName, Record<'hook' | 'startup' | 'place' | 'original' | 'system' | 'rc', string>> = {
  bash: {
    ...{ hook: 'hook.bash', startup: 'profile', place: '/etc/profile', original: 'etc-profile', rc: '.bash_profile' },
    system: 'PATH=/usr/local/bin:/usr/bin:/bin\nPS1="@@ "\n',
  },
  zsh: {
    ...{ hook: 'hook.zsh', startup: 'zshrc', place: '/etc/zsh/zshrc', original: 'etc-zshrc', rc: '.zshrc' },
    system: 'PROMPT="@@ "\nHISTSIZE=100\nunset PROMPT_SP\n',
  },
  fish: {
    ...{ hook: 'hook.fish', startup: 'config.fish', place: '/etc/fish/config.fish', original: 'etc-config.fish' },
    rc: '.config/fish/config.fish',
    system: 'function fish_prompt; echo -n "@@ "; end\nset -g fish_greeting\n',
  },
};

export const clock = systemClock();

export interface Terminal {
  home: string;
  lines: LineEvent[];
  refused: LineEvent[];
  hellos: string[];
  /** tmux send-keys arguments: literal texts and key names such as `Enter`, `C-j`. */
  keys(...keys: string[]): void;
  /** Bytes at once, as a terminal would send a paste. */
  paste(text: string, bracketed?: boolean): void;
  /** Types a line and Enter, and waits until the screen holds `until`. */
  run(line: string, until: RegExp | string): Promise<string>;
  screen(pane?: string): string;
  until(what: RegExp | string, pane?: string): Promise<string>;
  tmux(...args: string[]): string;
  /** The door answers nothing more, as after a failure of its FIFOs. */
  hangUp(): void;
  /** The shell command that starts one more login shell of the session. */
  command: string;
  stop(): void;
}

export interface TerminalOptions {
  rights: Rights;
  rc?: string;
  inputrc?: string;
  gate?: GateMode;
  /** False: nobody answers. */
  door?: boolean;
  cols?: number;
  args?: string[];
  /** `bash` by default. */
  shell?: ShellName;
  env?: Record<string, string>;
}

async function startTerminal(options: TerminalOptions): Promise<Terminal> {
  const dir = mkdtempSync(join(tmpdir(), 'lg-'));
  const run = join(dir, 'run');
  const home = join(dir, 'home');
  mkdirSync(run);
  mkdirSync(home);
  execFileSync('mkfifo', [join(run, 'q'), join(run, 'a')]);
  const files = SHELLS[options.shell ?? 'bash'];
  cpSync(join(SHELL_DIR, files.hook), join(run, files.hook));
  writeFileSync(join(run, files.original), files.system);
  mkdirSync(dirname(join(home, files.rc)), { recursive: true });
  writeFileSync(join(home, files.rc), options.rc ?? '');
  writeFileSync(join(home, '.inputrc'), options.inputrc ?? '');
  const lines: LineEvent[] = [];
  const refused: LineEvent[] = [];
  const hellos: string[] = [];
  const lookup = createLookup({ uid: 65_533, gids: [65_533] }, clock);
  const gate = options.gate ?? 'exec';
  const lineGate =
    options.door === false
      ? undefined
      : openLineGate({
          qFd: openSync(join(run, 'q'), RW),
          aFd: openSync(join(run, 'a'), RW),
          clock,
          gate,
          decide: (parsed, context) => decideLine(parsed, options.rights, lookup, clock.now(), context),
          onLine: (event) => lines.push(event),
          onRefused: (event) => refused.push(event),
          onHello: (version) => hellos.push(version),
        });
  const socket = join(dir, 'tmux');
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', env: ENV });
  const env = Object.entries({ ...ENV, HOME: home, ...options.env }).flatMap(([k, v]) => ['--setenv', k, v]);
  const shell = ['bwrap', '--dev-bind', '/', '/', '--tmpfs', '/run', '--bind', run, '/run/sallyport'];
  shell.push('--ro-bind', join(SHELL_DIR, files.startup), files.place, '--clearenv', ...env, '--chdir', home);
  shell.push('--', ...(options.args ?? [options.shell ?? 'bash', '-l']));
  const quoted = shell.map((w) => `'${w.replaceAll("'", `'\\''`)}'`).join(' ');
  tmux('new-session', '-d', '-x', String(options.cols ?? 100), '-y', '50', `${quoted}; sleep 1000`);
  const screen = (pane = '%0') => tmux('capture-pane', '-t', pane, '-p', '-J', '-S', '-500').trimEnd();
  const until = async (what: RegExp | string, pane = '%0') => {
    for (let tries = 0; tries < 200; tries++) {
      const text = screen(pane);
      if (typeof what === 'string' ? text.includes(what) : what.test(text)) return text;
      await sleep(clock, 25);
    }
    throw new Error(`late: the screen never showed ${what}:\n${screen(pane)}`);
  };
  return {
    home,
    lines,
    refused,
    hellos,
    keys: (...keys) => void tmux('send-keys', ...keys),
    paste(text, bracketed = true) {
      writeFileSync(join(dir, 'paste'), text);
      tmux('load-buffer', join(dir, 'paste'));
      tmux('paste-buffer', '-r', ...(bracketed ? ['-p'] : []));
    },
    async run(line, what) {
      tmux('send-keys', '-l', line);
      tmux('send-keys', 'Enter');
      return until(what);
    },
    screen,
    until,
    tmux,
    command: quoted,
    hangUp: () => lineGate?.close(),
    stop() {
      try {
        tmux('kill-server');
      } catch {
        // It ended with its shell.
      }
      lineGate?.close();
      removeSoon(dir);
    },
  };
}

// tmux runs its commands by SHELL, and the caller's own may be nologin.
const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/bash' };

/** A dying shell may still write its history there. */
function removeSoon(dir: string): void {
  for (let tries = 0; tries < 50; tries++) {
    try {
      rmSync(dir, { recursive: true, force: true });
      return;
    } catch {
      execFileSync('sleep', ['0.02']);
    }
  }
}

type Start = (options?: Partial<TerminalOptions>, first?: string) => Promise<Terminal>;

/** Starts terminals of one test each, up to what they show first; each is stopped when its test is over. */
export function terminalsOf(usual: Partial<TerminalOptions> = {}): Start {
  let terminal: Terminal | undefined;
  afterEach(() => terminal?.stop());
  return async (options = {}, first = '@@') => {
    terminal = await startTerminal({ rights: tryRights, ...usual, ...options });
    await terminal.until(first);
    return terminal;
  };
}
