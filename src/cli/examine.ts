/** What `doctor` looks at. Everything is tried rather than guessed, where trying changes nothing. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../core/errors.js';
import { type Check, isolationChecks } from './examine-isolation.js';

const run = promisify(execFile);

export interface Report {
  checks: Check[];
  /** One command line, where packages are missing. */
  install?: string;
}

export async function examine(): Promise<Report> {
  const tools = await Promise.all(TOOLS.map(toolCheck));
  const checks = [nodeCheck(), ...tools, ...(await isolationChecks()), ptyCheck(), clockCheck(), filesCheck()];
  const packages = [...new Set(checks.flatMap((c) => (c.state === 'missing' && c.package ? [c.package] : [])))];
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return { checks, ...(packages.length > 0 && { install: `${sudo}apt-get install -y ${packages.join(' ')}` }) };
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  const found = fits ? process.versions.node : `${process.versions.node}: sallyport needs 20.19, 22.12, 24 or later`;
  return { state: fits ? 'ok' : 'missing', what: 'node', found };
}

interface Tool {
  command: string;
  version: string[];
  package: string;
  /** Only some uses need it. */
  optional?: boolean;
}

const TOOLS: readonly Tool[] = [
  { command: 'bwrap', version: ['--version'], package: 'bubblewrap' },
  { command: 'setpriv', version: ['--version'], package: 'util-linux' },
  { command: 'setsid', version: ['--version'], package: 'util-linux' },
  { command: 'bash', version: ['--version'], package: 'bash', optional: true },
];

async function toolCheck({ command, version, package: from, optional = false }: Tool): Promise<Check> {
  try {
    const { stdout } = await run(command, version, { timeout: 5_000 });
    return { state: 'ok', what: command, found: stdout.split('\n')[0] ?? '' };
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = absent ? `not found; it is in the package ${from}` : messageOf(error);
    return { state: optional ? 'warn' : 'missing', what: command, found: why, package: from };
  }
}

/** Fewer free ptys than this and a busy bastion may run out. */
const MIN_PTYS = 256;

function ptyCheck(): Check {
  const max = numberIn('/proc/sys/kernel/pty/max');
  const used = numberIn('/proc/sys/kernel/pty/nr');
  if (max === undefined || used === undefined) return { state: 'warn', what: 'ptys', found: 'limits cannot be read' };
  const found = `${used} of ${max} in use`;
  if (max - used >= MIN_PTYS) return { state: 'ok', what: 'ptys', found };
  return { state: 'warn', what: 'ptys', found: `${found}: raise kernel.pty.max with sysctl` };
}

/** Deadlines and grants end by the wall clock. */
function clockCheck(): Check {
  const synced = ['/run/systemd/timesync/synchronized', '/run/chrony/chronyd.pid', '/run/chronyd.pid', '/run/ntpd.pid'];
  const sign = synced.find((path) => existsSync(path));
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (sign !== undefined)
    return { state: 'ok', what: 'clock', found: `kept by what wrote ${sign}; this zone is ${zone}` };
  const hint = 'no sign of a time service here; deadlines follow this clock: see that the host keeps it right';
  return { state: 'warn', what: 'clock', found: `${hint}; this zone is ${zone}` };
}

/** A session takes about ten descriptors in each of door and guard. */
const MIN_FILES = 4096;

function filesCheck(): Check {
  const limits = textOf('/proc/self/limits') ?? '';
  const hard = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits)?.[2] ?? '?';
  const enough = hard === 'unlimited' || Number(hard) >= MIN_FILES;
  const found = enough ? hard : `${hard}: raise it (ulimit -Hn) for more than a few hundred sessions`;
  return { state: enough ? 'ok' : 'warn', what: 'open files', found };
}

function numberIn(path: string): number | undefined {
  const text = textOf(path);
  return text === undefined ? undefined : Number(text);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
