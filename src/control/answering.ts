/** Approving and refusing what others ask for. Nobody judges their own, under whatever name. */
import { overWords, ownWords } from '../authority/index.js';
import { formatDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';
import { act, change, type Trace } from './act.js';
import type { AdminPort, Caller } from './admin-port.js';
import type { Deps } from './deps.js';
import { findRequest, type RequestView, usersOf } from './requesting.js';
import type { Taken } from './reviews.js';
import { grantView, requestView, reviewView } from './views.js';

type Answering = Pick<AdminPort, 'approve' | 'refuse'>;
type Verb = keyof Answering;

export function answering(deps: Deps): Answering {
  const { authority, clock } = deps;
  return {
    approve: async ({ id: prefix, reason }, caller) => {
      const asked = toJudge('approve', prefix, caller, deps);
      const trace = traceOf('approve', asked, reason);
      if (asked.kind === 'command') {
        const work = async (taken: Taken) => {
          await taken.look();
          const still = () => refuseFallen('approve', caller, deps);
          await act(deps, 'approve', caller, trace, () => taken.approve(still));
        };
        return { request: await answer(asked.id, caller, deps, work), effects: [] };
      }
      const input = { ...answerOf(asked.id, caller, deps), ...(reason !== undefined && { why: reason }) };
      const done = await change(deps, 'approve', caller, trace, () => authority.approveRequest(input));
      const { request, grant, effects } = done;
      return { request: requestView(request, clock.now()), grant: grantView(grant), effects };
    },
    refuse: async ({ id: prefix, reason }, caller) => {
      const asked = toJudge('refuse', prefix, caller, deps);
      const trace = traceOf('refuse', asked, reason);
      if (asked.kind === 'command') {
        const work = (taken: Taken) => act(deps, 'refuse', caller, trace, () => taken.refuse(reason));
        return { request: await answer(asked.id, caller, deps, work) };
      }
      const input = { ...answerOf(asked.id, caller, deps), why: reason };
      const { request } = await change(deps, 'refuse', caller, trace, () => authority.refuseRequest(input));
      return { request: requestView(request, clock.now()) };
    },
  };
}

/** What is asked, looked at before anything is written down; the act itself looks again. */
function toJudge(verb: Verb, prefix: string, caller: Caller, deps: Deps): RequestView {
  const found = findRequest(deps, prefix);
  if (namesOf(caller, deps).has(found.user)) throw new SallyportError('refused', ownWords(found.id, verb));
  refuseFallen(verb, caller, deps);
  const { state, decidedAt, expiresAt } = found;
  if (state !== 'waiting')
    throw new SallyportError('refused', overWords({ ...found, state }, Date.parse(decidedAt ?? expiresAt)));
  return found;
}

/** Whoever is locked, or whose own session has ended, answers nothing. */
function refuseFallen(verb: Verb, caller: Caller, deps: Deps): void {
  caller.stands?.();
  for (const user of usersOf(caller, deps)) {
    const lock = deps.authority.lockFor({ user });
    if (lock) throw new SallyportError('refused', `${verb}: ${user} is locked: ${lock.reason}`);
  }
}

/** Everybody this caller counts as. */
function namesOf(caller: Caller, deps: Deps): Set<string> {
  return new Set([caller.name, ...usersOf(caller, deps)]);
}

function answerOf(id: string, caller: Caller, deps: Deps) {
  const [user] = usersOf(caller, deps);
  return { id, by: caller.name, names: namesOf(caller, deps), ...(user !== undefined && { user }) };
}

/** Has one command's review to itself while it is answered. */
async function answer(
  id: string,
  caller: Caller,
  deps: Deps,
  work: (taken: Taken) => Promise<unknown>,
): Promise<RequestView> {
  const { reviews } = deps;
  if (!reviews) throw new SallyportError('not-found', `no request ${id}`);
  const [person = caller.name] = usersOf(caller, deps);
  const taken = reviews.take(id, person);
  try {
    await work(taken);
  } finally {
    taken.giveBack();
  }
  const done = reviews.list(true).find((r) => r.id === id) ?? taken.review;
  return reviewView(done);
}

function traceOf(verb: Verb, asked: RequestView, reason: string | undefined): Trace {
  const { id, kind, user, target, session, rule, role, forMs = 0, text = '' } = asked;
  const what = kind === 'command' ? text : `role ${role} on ${target} for ${formatDuration(forMs)}`;
  return {
    event: verb,
    user,
    target,
    ...(session !== undefined && { session }),
    ...(rule !== undefined && { rule }),
    text: `${verb} request ${id} of ${user}: ${what}`,
    ...(reason !== undefined && { reason }),
    data: { request: id, kind, ...(role !== undefined && { role, forMs }) },
  };
}
