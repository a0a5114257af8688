/** What is going on, and putting an end to it. */
import { SallyportError } from '../core/errors.js';
import { auditRoom } from '../store/index.js';
import { act, pickId } from './act.js';
import type { AdminPort } from './admin-port.js';
import type { Broker, Deps } from './deps.js';
import { homePaths } from './home.js';
import { ownUser } from './oneself.js';
import { allRequests } from './requesting.js';
import { VERSION } from './version.js';
import { holdingView, iso, ruleView } from './views.js';

type Watching = Pick<AdminPort, 'status' | 'sessions' | 'session' | 'kill'>;

export function watching(deps: Deps): Watching {
  const { live } = deps;
  return {
    status: async (_request, caller) =>
      caller.by === 'self' ? ownStatusOf(deps, ownUser('status', caller)) : statusOf(deps),
    sessions: async () => ({ sessions: live.sessions() }),
    session: async ({ id }) => sessionOf(deps, id),
    kill: async ({ id: prefix, reason }, caller) => {
      const sessions = live.sessions();
      const id = pickId(
        sessions.map((s) => s.id),
        prefix,
        'live session',
      );
      const user = sessions.find((s) => s.id === id)?.user;
      const trace = { session: id, text: `kill session ${id}`, reason, ...(user !== undefined && { user }) };
      const effect = await act(deps, 'kill', caller, trace, () => live.kill(id, reason, caller.name));
      return { effects: [effect] };
    },
  };
}

async function sessionOf({ live }: Deps, prefix: string) {
  const id = pickId(
    live.sessions().map((s) => s.id),
    prefix,
    'live session',
  );
  const found = live.session(id);
  if (!found) throw new SallyportError('not-found', `session ${id} has just ended`);
  const { info, rights, deadlines, gate, command, version } = found;
  const { user, target, source, auth, device, risk, approval, timezone } = rights.facts;
  const facts = { user, target, source, auth, device, risk, approval, timezone } as Record<string, unknown>;
  return {
    session: info,
    ...(command !== undefined && { command }),
    gate,
    roles: rights.holdings.map(holdingView),
    rules: rights.rows.map(ruleView),
    facts,
    idleMs: deadlines.idleMs,
    warnMs: [...deadlines.warnMs],
    ...(await processesOf(live, id, gate)),
    version,
  };
}

async function processesOf(live: Deps['live'], id: string, gate: string) {
  if (gate !== 'exec') return { processesNote: 'not known: under gate: line-only nobody is asked about programs' };
  const tree = await live.processes(id);
  if (!tree) return { processesNote: 'not known: the door did not answer in time' };
  const { processes, more } = tree;
  const views = processes.map(({ startedAt, ...rest }) => ({ ...rest, startedAt: iso(startedAt) }));
  return { processes: views, ...(more > 0 && { moreProcesses: more }) };
}

function ownStatusOf(deps: Deps, user: string) {
  const { authority, broker, clock, live } = deps;
  return {
    user,
    version: VERSION,
    ...(broker && { ...uptime(broker, clock.now()), gate: broker.gate }),
    locked: authority.lockFor({ user }) !== undefined,
    grants: authority.grants({ user }).length,
    requests: allRequests(deps, false).filter((r) => r.user === user).length,
    sessions: live.sessions().filter((s) => s.user === user),
  };
}

const uptime = ({ startedAt }: Broker, now: number) => ({
  startedAt: iso(startedAt),
  uptimeMs: Math.max(0, now - startedAt),
});

function statusOf(deps: Deps) {
  const { authority, audit, store, broker, clock } = deps;
  const config = deps.config();
  const problem = store.problem();
  return {
    version: VERSION,
    running: broker !== undefined,
    ...(broker && {
      pid: broker.pid,
      ...uptime(broker, clock.now()),
      listen: broker.listen,
      isolation: broker.isolation,
      limits: broker.limits,
      gate: broker.gate,
    }),
    home: config.home,
    doors: deps.live.doors(),
    sessions: deps.live.sessions().length,
    authorityVersion: authority.version(),
    policy: {
      digest: deps.current.policy.digest,
      rules: deps.current.policy.rows.length,
      loadedAt: iso(deps.current.loadedAt),
    },
    store: {
      healthy: problem === undefined,
      ...(problem !== undefined && { detail: problem }),
      users: authority.users().length,
      grants: authority.grants().length,
      locks: authority.locks().length,
    },
    audit: { healthy: audit.healthy(), ...auditRoom(homePaths(config.home).state) },
    feeds: (deps.feeds?.status() ?? []).map((feed) => ({ ...feed, gives: [...feed.gives] })),
    hooks: deps.hooks?.status() ?? [],
    requests: { access: authority.requests().length, command: deps.reviews?.list(false).length ?? 0 },
  };
}
