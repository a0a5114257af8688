import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { escapeText } from '../core/escape.js';
import { noGateOn } from '../os/arch.js';
import { findTool } from './launch/tools.js';

/** What this machine lets this user do, found by doing it. */
export interface Capabilities {
  /** Shells as other OS accounts: root only. */
  account: boolean;
  /** Shells in a user namespace, as the caller. */
  sandbox: boolean;
  /** Every execve decided in the kernel's path. */
  execGate: boolean;
  /** Why not, and what to do; one line each. Empty when all that this user could have is there. */
  reasons: string[];
}

const trials = z.array(
  z.object({
    isolation: z.enum(['account', 'sandbox']),
    gate: z.enum(['exec', 'line-only']),
    ok: z.boolean(),
    reason: z.string(),
  }),
);

const PROBE_MS = 15_000;

/** Runs real sessions in a process of their own; takes about 0.3 s. Never throws. `arch` in Node's word. */
export async function probeMachine(arch: string = process.arch): Promise<Capabilities> {
  const missing = missingPrograms();
  if (missing.length > 0) return { account: false, sandbox: false, execGate: false, reasons: missing };
  const results = await runTrials();
  if (typeof results === 'string') return { account: false, sandbox: false, execGate: false, reasons: [results] };
  const passed = (gate: string) => results.some((t) => t.gate === gate && t.ok);
  const root = process.getuid?.() === 0;
  const isolated = passed('line-only');
  const gateless = noGateOn(arch);
  const failed = results.filter((t) => !t.ok && !(gateless && t.gate === 'exec'));
  return {
    account: root && isolated,
    sandbox: !root && isolated,
    execGate: gateless === undefined && isolated && passed('exec'),
    reasons: [
      ...(gateless === undefined ? [] : [gateless]),
      ...failed.map(
        (t) => `${t.gate === 'exec' ? 'the exec gate' : 'isolation'} does not work: ${escapeText(t.reason, 300)}`,
      ),
      ...(failed.length > 0 ? kernelHints() : []),
    ],
  };
}

function missingPrograms(): string[] {
  const packages = { bwrap: 'bubblewrap', setsid: 'util-linux', setpriv: 'util-linux' };
  return Object.entries(packages)
    .filter(([name]) => findTool(name) === undefined)
    .map(([name, from]) => `${name} is missing: apt-get install ${from}`);
}

function runTrials(): Promise<z.infer<typeof trials> | string> {
  const script = fileURLToPath(new URL('./probe-run.js', import.meta.url));
  const env = { PATH: '/usr/bin:/bin', HOME: process.env.HOME ?? '/', TMPDIR: process.env.TMPDIR ?? '/tmp' };
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { timeout: PROBE_MS, killSignal: 'SIGKILL', env }, (error, stdout, stderr) => {
      try {
        resolve(trials.parse(JSON.parse(stdout)));
      } catch {
        const said =
          stderr
            .trim()
            .split('\n')
            .find((line) => /Error/.test(line)) ??
          error?.message ??
          'no answer';
        resolve(`a trial session could not be started: ${escapeText(said, 300)}`);
      }
    });
  });
}

/** Settings known to forbid what failed, with what undoes them. */
function kernelHints(): string[] {
  const hints: [file: string, forbids: (value: string) => boolean, hint: string][] = [
    [
      'kernel/unprivileged_userns_clone',
      (v) => v === '0',
      'user namespaces are off: sysctl -w kernel.unprivileged_userns_clone=1',
    ],
    ['user/max_user_namespaces', (v) => v === '0', 'user namespaces are off: sysctl -w user.max_user_namespaces=10000'],
    [
      'kernel/apparmor_restrict_unprivileged_userns',
      (v) => v === '1',
      'AppArmor forbids user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ],
    ['kernel/yama/ptrace_scope', (v) => Number(v) >= 2, 'tracing is forbidden: sysctl -w kernel.yama.ptrace_scope=1'],
  ];
  return hints.filter(([file, forbids]) => forbids(readSetting(file))).map(([, , hint]) => hint);
}

function readSetting(file: string): string {
  try {
    return readFileSync(`/proc/sys/${file}`, 'utf8').trim();
  } catch {
    return '';
  }
}
