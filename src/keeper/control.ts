import type { Authority, Change } from '../authority/index.js';
import type { Config } from '../config/index.js';
import type { AdminPort } from '../control/admin-port.js';
import {
  type AdminVerdict,
  auditRefusals,
  type CallerRules,
  identifyCaller,
  sharesPidNamespace,
  standingOf,
  stillMay,
} from '../control/caller.js';
import { homePaths } from '../control/home.js';
import type { Live } from '../control/live.js';
import { createOperations } from '../control/operations.js';
import type { Reviews } from '../control/reviews.js';
import { type ControlServer, startControlServer } from '../control/server.js';
import { createStreams } from '../control/streaming.js';
import type { AnyVerb } from '../control/streams.js';
import type { Watches } from '../control/watch.js';
import type { Clock } from '../core/clock.js';
import { formatProblem, messageOf } from '../core/errors.js';
import { peerCredentials } from '../os/peercred.js';
import type { CompiledPolicy } from '../policy/index.js';
import type { AuditLog, Store } from '../store/index.js';
import { adminVerdict } from './admin-verdict.js';
import { type Administration, createAdministration } from './administration.js';
import type { RunningFeeds } from './feeds.js';
import type { Ground } from './ground.js';
import type { RunningHooks } from './hooks.js';

export interface ControlParts {
  authority: Authority;
  store: Store;
  audit: AuditLog;
  policy: CompiledPolicy;
  config: { current: Config };
  live: Live<Change>;
  feeds: RunningFeeds;
  hooks: RunningHooks;
  reviews: Reviews;
  watches: Watches;
  clock: Clock;
  ground: Ground;
  /** Where the broker really listens, `host:port`. */
  listen: string;
  startedAt: number;
  /** Says something loudly. */
  alarm(text: string): void;
  log(line: string): void;
}

export interface Control {
  administration: Administration;
  reload(): Promise<string>;
  close(): Promise<void>;
}

/** The admin side of a running broker: the operations, and the socket they are asked through. */
export async function startControl(parts: ControlParts): Promise<Control> {
  const { config, ground } = parts;
  const onRefused = auditRefusals(parts.audit, parts.clock);
  const port = createOperations({
    ...parts,
    config: () => config.current,
    sandboxed: ground.isolation === 'sandbox',
    broker: {
      pid: process.pid,
      startedAt: parts.startedAt,
      listen: parts.listen,
      isolation: ground.isolation,
      limits: limitsBy(ground),
      gate: config.current.gate,
      alarm: parts.alarm,
      useConfig: (next) => {
        config.current = next;
        parts.feeds.reconfigure();
        parts.hooks.reconfigure();
      },
    },
  });
  const server: ControlServer = await startControlServer({
    path: homePaths(config.current.home).controlSocket,
    port,
    peerOf: peerCredentials,
    streams: createStreams({ ...parts, config: () => config.current }),
    clock: parts.clock,
    standingOf: (uid) => standingOf(uid, callerRules(parts, onRefused)),
    identify: (peer, verb) => identifyCaller(peer, verb, callerRules(parts, onRefused)),
    stillMay: (peer, verb) => stillMay(peer, verb, callerRules(parts, onRefused)),
    onChange: parts.authority.onChange,
    onFault: (verb, error) => parts.log(`${verb}: ${messageOf(error)}`),
  });
  const administration = createAdministration({ ...parts, onRefused, adopt: server.adopt });
  return { administration, reload: () => reload(port), close: () => server.close() };
}

/** As they are now: a reload may change who is an admin. */
const callerRules = (
  { config, authority, clock }: ControlParts,
  onRefused: NonNullable<CallerRules['onRefused']>,
): CallerRules => ({
  ownUid: process.getuid?.() ?? 0,
  admins: config.current.admins,
  decide: (user, asked) => decideAdmin(user, asked, authority, clock),
  sharesNamespace: sharesPidNamespace,
  onRefused,
});

/** For an account that a user's name was given to: what the user may, from this machine. */
async function decideAdmin(user: string, verb: AnyVerb, authority: Authority, clock: Clock): Promise<AdminVerdict> {
  if (!authority.user(user)) return { allow: false, denied: true, why: `no user ${user}` };
  const lock = authority.lockFor({ user });
  if (lock) return { allow: false, denied: true, why: `locked: ${lock.reason}` };
  const source = { ip: '127.0.0.1' };
  const auth = { method: 'local' };
  const now = clock.now();
  return await adminVerdict(authority.rightsFor({ user, target: 'local', source, auth, startedAt: now }), verb, now);
}

/** SIGHUP: what `sallyport reload` does, in the broker's own name. */
async function reload(port: AdminPort): Promise<string> {
  const caller = { uid: process.getuid?.() ?? 0, name: 'SIGHUP', by: 'broker' as const };
  const { changed, problems, effects } = await port.reload({}, caller);
  const errors = problems.filter((p) => p.severity === 'error');
  if (errors.length > 0) return `reload refused, all is as it was: ${errors.map(formatProblem).join('; ')}`;
  const said = changed ? `reloaded; ${effects.length} sessions changed` : 'reloaded; nothing was different';
  return [said, ...problems.map(formatProblem)].join('; ');
}

function limitsBy({ cgroup }: Ground): string {
  return cgroup === undefined ? 'rlimit' : `rlimit, cgroup v2 (${cgroup.controllers.join(', ')})`;
}
