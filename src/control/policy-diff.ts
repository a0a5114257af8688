/** What a policy not yet in force would give and take: `sallyport policy diff FILE`. */
import { setImmediate } from 'node:timers/promises';
import { type CompiledPolicy, compilePolicyInPieces, compileRights, matchTarget } from '../policy/index.js';
import type { RightsData, Row } from '../policy/types.js';
import type { AdminPort, Reply } from './admin-port.js';
import type { Deps } from './deps.js';

type Diff = Reply<'policy.diff'>;
type Side = { gains: Diff['users'][number]['gains']; loses: Diff['users'][number]['loses'] };

/** Users and sessions named in one answer; more are counted. */
const MAX_NAMED = 1_000;
/** Users looked at between two turns of the event loop. */
const PIECE = 50;

export function diffing(deps: Deps): Pick<AdminPort, 'policy.diff'> {
  return {
    'policy.diff': async ({ text, file }) => {
      const { labels } = deps.config();
      const before = deps.current.policy;
      const input = { modelText: before.model, modelFile: 'model.conf', policyText: text, policyFile: file, labels };
      const { policy: after, problems } = await compilePolicyInPieces(input);
      if (!after) return { ok: false, problems, users: [], sessions: [], more: 0 };
      const users = await diffUsers(deps, before, after);
      const sessions = await diffSessions(deps, before, after);
      const more = Math.max(0, users.length - MAX_NAMED) + Math.max(0, sessions.length - MAX_NAMED);
      return { ok: true, problems, users: users.slice(0, MAX_NAMED), sessions: sessions.slice(0, MAX_NAMED), more };
    },
  };
}

async function diffUsers(deps: Deps, before: CompiledPolicy, after: CompiledPolicy): Promise<Diff['users']> {
  const found: Diff['users'] = [];
  const targets = Object.keys(deps.config().targets);
  for (const [n, { name }] of deps.authority.users().entries()) {
    if (n % PIECE === PIECE - 1) await setImmediate();
    for (const target of targets) {
      const side = compare(rowsOf(deps, before, name, target), rowsOf(deps, after, name, target));
      if (side) found.push({ user: name, target, ...side });
    }
  }
  return found;
}

async function diffSessions(deps: Deps, before: CompiledPolicy, after: CompiledPolicy): Promise<Diff['sessions']> {
  const found: Diff['sessions'] = [];
  for (const { id, user, target } of deps.live.sessions()) {
    const live = deps.live.session(id);
    if (!live) continue;
    const rows = rowsOf(deps, after, user, target);
    const rights = await compileRights(underPolicy(deps, live.rights, after, rows));
    const { allow } = rights.decide({ kind: 'action', action: '@session' }, deps.clock.now());
    const side = compare(rowsOf(deps, before, user, target), rows) ?? { gains: [], loses: [] };
    if (!allow || side.gains.length + side.loses.length > 0) found.push({ id, user, target, ends: !allow, ...side });
  }
  return found;
}

function underPolicy(deps: Deps, data: RightsData, policy: CompiledPolicy, rows: readonly Row[]): RightsData {
  const holdings = [...heldOn(deps, policy, data.user, data.target)].map((role) => ({
    role,
    target: '*',
    via: 'policy',
  }));
  const targetGroups = policy.groupsOf(data.target);
  return { ...data, targetGroups, holdings, rows, model: policy.model, labels: policy.labels };
}

const rowsOf = (deps: Deps, policy: CompiledPolicy, user: string, target: string) =>
  policy.rowsFor(heldOn(deps, policy, user, target), target);

/** Roles held on a target, by the policy and by grants in force now. */
function heldOn(deps: Deps, policy: CompiledPolicy, user: string, target: string): Set<string> {
  const groups = policy.groupsOf(target);
  const now = deps.clock.now();
  const granted = deps.authority
    .grants({ user })
    .filter((grant) => grant.from <= now && matchTarget(grant.target, target, groups))
    .flatMap(({ role }) => [role, ...policy.rolesOf(role)]);
  return new Set([...policy.rolesOf(user), ...granted]);
}

/** Rules that say the same count as the same, whatever their id, role and place. Undefined: no difference. */
function compare(before: readonly Row[], after: readonly Row[]): Side | undefined {
  const [old, next] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))];
  const gone = before.filter((row) => !next.has(keyOf(row)));
  const come = after.filter((row) => !old.has(keyOf(row)));
  if (gone.length + come.length === 0) return undefined;
  const gives = (row: Row) => row.effect === 'allow';
  const takes = (row: Row) => row.effect === 'deny';
  return {
    gains: [...come.filter(gives).map(viewOf('new')), ...gone.filter(takes).map(viewOf('gone'))],
    loses: [...gone.filter(gives).map(viewOf('gone')), ...come.filter(takes).map(viewOf('new'))],
  };
}

const keyOf = ({ command, when, effect, children }: Row) => JSON.stringify([command, when, effect, children]);

const viewOf =
  (change: 'new' | 'gone') =>
  ({ id, effect, command, when, children, file, line }: Row) => ({
    change,
    id,
    effect,
    command,
    when,
    children,
    file,
    line,
  });
