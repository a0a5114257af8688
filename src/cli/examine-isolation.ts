/** Whether sessions can be kept apart here, and programs decided by the kernel. */
import { probeMachine } from '../guard/probe.js';
import { probeCgroup } from '../guard/probe-cgroup.js';

export interface Check {
  /** `missing` stops `serve`; `warn` does not. */
  state: 'ok' | 'warn' | 'missing';
  what: string;
  /** What was found, and where it is not ok what to do. */
  found: string;
  /** Debian's package that brings it. */
  package?: string;
}

/** Tries sessions as the broker would start them. */
export async function isolationChecks(): Promise<Check[]> {
  const { account, sandbox, execGate, reasons } = await probeMachine();
  const kind = account ? 'account' : 'sandbox';
  const isolation: Check =
    account || sandbox
      ? { state: 'ok', what: 'isolation', found: `${kind}: a session was started and ended` }
      : { state: 'missing', what: 'isolation', found: 'no session can be kept apart here' };
  const gate: Check = execGate
    ? { state: 'ok', what: 'exec gate', found: 'the kernel asked before a program started' }
    : { state: 'missing', what: 'exec gate', found: 'not here: only `gate: line-only` in sallyport.yaml would work' };
  return [isolation, gate, limitsCheck(), ...reasons.map((found): Check => ({ state: 'warn', what: '', found }))];
}

/** Limits of each process work everywhere; those of a session together need cgroup v2. */
function limitsCheck(): Check {
  const { controllers, delegated } = probeCgroup() ?? { controllers: [], delegated: false };
  if (controllers.length === 0)
    return {
      state: 'ok',
      what: 'limits',
      found: 'of each process (rlimit); no cgroup v2 here to limit a session together',
    };
  const names = controllers.join(', ');
  const found = delegated
    ? `of each process (rlimit) and of a session together (cgroup v2: ${names})`
    : `of each process (rlimit); a service unit with Delegate=yes limits a session together, too (cgroup v2: ${names})`;
  return { state: 'ok', what: 'limits', found };
}
