/** Sealed grants: anyone in a role opens one for themselves, with a reason, and everybody hears of it. */
import { formatDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { nearest } from '../core/names.js';
import { matchTarget } from '../policy/index.js';
import { change } from './act.js';
import type { AdminPort, Caller, Reply } from './admin-port.js';
import type { Deps } from './deps.js';
import { ownUser } from './oneself.js';
import { grantView, iso } from './views.js';

/** Seals one user opens within LATELY_MS. */
const MAX_OPENED = 3;
const LATELY_MS = 3_600_000;

type SealView = Reply<'breakglass'>['seals'][number];

export function breaking(deps: Deps): Pick<AdminPort, 'breakglass'> {
  return {
    breakglass: async ({ name, reason }, caller) => {
      const user = ownUser('breakglass', caller);
      const seals = sealsFor(user, deps);
      if (name === undefined) return { seals, effects: [] };
      if (reason === undefined) throw new SallyportError('usage', 'breakglass: say why: --reason TEXT');
      return { seals: [], ...(await open(pick(name, seals, user), user, reason, caller, deps)) };
    },
  };
}

/** Those whose role the user holds now on every target the seal speaks of. */
function sealsFor(user: string, { authority, config, clock, current }: Deps): SealView[] {
  const now = clock.now();
  const held = authority
    .holdings(user)
    .filter((h) => (h.from ?? 0) <= now && now < (h.until ?? Number.POSITIVE_INFINITY));
  return Object.entries(config().breakglass).flatMap(([name, { for: holders, lengthMs, ...seal }]) => {
    const groups = current.policy.groupsOf(seal.target);
    const may = held.some((h) => h.role === holders && matchTarget(h.target, seal.target, groups));
    return may ? [{ name, for: holders, role: seal.role, target: seal.target, lengthMs }] : [];
  });
}

/** One that is not for this user looks like one that is not there. */
function pick(name: string, seals: readonly SealView[], user: string): SealView {
  const found = seals.find((s) => s.name === name);
  if (found) return found;
  const names = seals.map((s) => s.name);
  const near = nearest(name, names);
  const hint = near ?? names.slice(0, 5).join(', ');
  const there = hint === '' ? 'there is none' : `there is ${hint}`;
  throw new SallyportError(
    'not-found',
    `breakglass: nothing called ${escapeText(name, 60)} for ${user} to open: ${there}`,
  );
}

async function open(seal: SealView, user: string, reason: string, caller: Caller, deps: Deps) {
  const { authority, clock } = deps;
  const { name, role, target, lengthMs } = seal;
  mayOpen(seal, user, deps);
  const until = clock.now() + lengthMs;
  const trace = {
    ...{ event: 'breakglass' as const, user, target, reason },
    text: `open ${name}: role ${role} on ${target} for ${formatDuration(lengthMs)}`,
    data: { seal: name, role, target, until: iso(until) },
  };
  const done = await change(deps, 'breakglass', caller, trace, async () => {
    // Another of the user's requests may have come first while the trace was written.
    mayOpen(seal, user, deps);
    return await authority.grant({ user, role, target, until, reason, by: byOf(name) });
  });
  deps.broker?.alarm?.(
    `BREAKGLASS: ${user} opened ${name} (role ${role} on ${target}) for ${formatDuration(lengthMs)}: ${reason}`,
  );
  const warning = done.warning === undefined ? {} : { warning: done.warning };
  return { grant: grantView(done.grant), effects: done.effects, ...warning };
}

const byOf = (name: string) => `breakglass ${name}`;

function mayOpen({ name }: SealView, user: string, { authority, clock }: Deps): void {
  const refused = (why: string) => new SallyportError('refused', `breakglass: refused for ${user}: ${why}`);
  const lock = authority.lockFor({ user });
  if (lock) throw refused(`locked: ${lock.reason}`);
  const now = clock.now();
  const opened = authority.grants({ user, all: true }).filter((g) => g.by.startsWith(byOf('')));
  const standing = opened.find((g) => g.by === byOf(name) && g.revokedAt === undefined && (g.until ?? 0) > now);
  if (standing) throw refused(`${name} is open already: grant ${standing.id} until ${iso(standing.until ?? 0)}`);
  if (opened.filter((g) => g.createdAt > now - LATELY_MS).length >= MAX_OPENED)
    throw refused(`${MAX_OPENED} were opened within an hour, the most allowed: ask someone who may grant`);
}
