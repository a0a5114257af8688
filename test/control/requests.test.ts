import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/control/admin-port.js';
import type { Review, Reviews } from '../../src/control/reviews.js';
import { SallyportError } from '../../src/core/errors.js';
import { openTestHome, ROOT, type TestHome } from './home.js';

let home: TestHome;
const person = (name: string, by: Caller['by'] = 'policy'): Caller => ({ uid: 1001, name, by, user: name });
const ALICE = person('alice', 'self');
const CAROL = person('carol');
const HOUR = 3_600_000;

const REVIEW: Review = {
  ...{ id: '01k00000000000000000000000', user: 'alice', session: '01k00000000000000000000001', target: 'local' },
  ...{ gate: 'line', text: 'deploy x', rule: 'no-deploy', at: 0, expiresAt: 600_000, state: 'waiting' },
};

/** One command that waits, and what was done with it. */
function oneReview() {
  const done: string[] = [];
  const state = { review: REVIEW };
  const reviews: Reviews = {
    list: (all) => (all || state.review.state === 'waiting' ? [state.review] : []),
    take(id, by) {
      done.push(`take ${id === REVIEW.id} ${by}`);
      return {
        review: REVIEW,
        async look() {
          if (by === 'mallory') throw new SallyportError('refused', 'the rules do not take an approval by mallory');
        },
        async approve(still) {
          await meanwhile();
          still();
          state.review = { ...REVIEW, state: 'approved', by };
          done.push('approve');
        },
        async refuse(why) {
          state.review = { ...REVIEW, state: 'refused', by, why };
          done.push('refuse');
        },
        giveBack: () => void done.push('back'),
      };
    },
  };
  return { reviews, done };
}

/** What happens while an approval is written down. */
let meanwhile = async () => {};
let review: ReturnType<typeof oneReview>;
beforeEach(async () => {
  review = oneReview();
  meanwhile = async () => {};
  home = await openTestHome({
    config: 'admins: [{ uid: 0, user: dave }]\n',
    more: { reviews: review.reviews },
  });
  for (const name of ['alice', 'carol', 'dave', 'mallory']) await home.authority.addUser({ name, by: 'test' });
});
afterEach(() => home.close());

const ask = async (caller = ALICE) =>
  (await home.port.request({ role: 'helper', target: 'prod/*', forMs: HOUR, reason: 'a fix' }, caller)).request;
const events = async (...names: string[]) => (await home.events()).filter((e) => names.includes(e.event));

describe('asking for a role', () => {
  it('is for oneself, and in the audit log under an event of its own', async () => {
    const request = await ask();
    expect(request).toMatchObject({ kind: 'access', user: 'alice', role: 'helper', forMs: HOUR, state: 'waiting' });
    expect(await events('request')).toMatchObject([
      { by: 'alice', user: 'alice', target: 'prod/*', reason: 'a fix', data: { request: request.id, kind: 'access' } },
    ]);
  });

  it('needs a user’s name: an account without one is told so, one that `admins` names has it', async () => {
    const stranger: Caller = { uid: 4242, name: 'uid 4242', by: 'owner' };
    await expect(ask(stranger)).rejects.toMatchObject({ code: 'usage' });
    expect(await ask(ROOT)).toMatchObject({ user: 'dave' });
  });

  it('is seen by admins and by oneself; nobody else’s is', async () => {
    const own = await ask();
    const other = await ask(person('mallory', 'self'));
    const ids = async (caller: Caller) =>
      (await home.port.requests({ all: false }, caller)).requests.map((r) => r.id).sort();
    expect(await ids(ALICE)).toEqual([REVIEW.id, own.id].sort());
    expect(await ids(person('mallory', 'self'))).toEqual([other.id]);
    expect(await ids(CAROL)).toEqual([REVIEW.id, own.id, other.id].sort());
    const whole = await home.port.status({}, ROOT);
    expect(whole).toMatchObject({ requests: { access: 2, command: 1 } });
    expect(await home.port.status({}, ALICE)).toMatchObject({ user: 'alice', requests: 2 });
  });

  it('can be taken back by its own, by the beginning of its id; a held command cannot, here', async () => {
    const { id } = await ask();
    await expect(home.port['request.withdraw']({ id }, person('mallory', 'self'))).rejects.toThrow(/no request/);
    expect((await home.port['request.withdraw']({ id: id.slice(0, 25) }, ALICE)).request.state).toBe('withdrawn');
    expect(await events('request-withdrawn')).toMatchObject([{ by: 'alice', data: { request: id } }]);
    await expect(home.port['request.withdraw']({ id: REVIEW.id }, ALICE)).rejects.toThrow(/Ctrl-C/);
  });
});

describe('approving a role', () => {
  it('grants it, with both names, is written down first, and settles live sessions', async () => {
    const { id } = await ask();
    const reply = await home.port.approve({ id, reason: 'fine' }, CAROL);
    expect(reply.grant).toMatchObject({ user: 'alice', by: 'carol', request: id, role: 'helper', target: 'prod/*' });
    expect(reply.request).toMatchObject({ state: 'approved', by: 'carol', why: 'fine', grant: reply.grant?.id });
    expect(home.settled.at(-1)?.grants).toMatchObject([{ request: id }]);
    expect(await events('approve')).toMatchObject([
      { by: 'carol', user: 'alice', reason: 'fine', data: { request: id, verb: 'approve', role: 'helper' } },
    ]);
    expect((await home.port.grants({ all: false, user: 'alice' }, ROOT)).grants).toMatchObject([{ request: id }]);
  });

  it('is nobody’s for themselves: not under their name, nor as an account that `admins` gives their name', async () => {
    const own = await ask();
    for (const caller of [ALICE, person('alice')])
      await expect(home.port.approve({ id: own.id }, caller)).rejects.toThrow(/is your own/);
    const daves = await ask(person('dave', 'self'));
    await expect(home.port.approve({ id: daves.id }, ROOT)).rejects.toThrow(/is your own/);
    await expect(home.port.refuse({ id: daves.id, reason: 'x' }, ROOT)).rejects.toThrow(/is your own/);
    // What is refused beforehand leaves no trace of an approval.
    expect(await events('approve')).toEqual([]);
    expect((await home.port.approve({ id: own.id }, ROOT)).grant).toMatchObject({ by: 'root' });
  });

  it('is refused to a locked person, with why', async () => {
    const { id } = await ask();
    await home.port.lock({ kind: 'user', subject: 'carol', reason: 'lost laptop' }, ROOT);
    await expect(home.port.approve({ id }, CAROL)).rejects.toThrow('approve: carol is locked: lost laptop');
  });

  it('of what is decided says what became of it', async () => {
    const { id } = await ask();
    await home.port.refuse({ id, reason: 'not today' }, CAROL);
    await expect(home.port.approve({ id }, ROOT)).rejects.toThrow(/was refused by carol at .* \(not today\)/);
    await expect(home.port.approve({ id: 'zzzz' }, ROOT)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('answering a held command', () => {
  it('is written down before it goes on, and given back whatever happens', async () => {
    const reply = await home.port.approve({ id: REVIEW.id }, CAROL);
    expect(reply).toMatchObject({ request: { kind: 'command', state: 'approved', by: 'carol' }, effects: [] });
    expect(review.done).toEqual(['take true carol', 'approve', 'back']);
    expect(await events('approve')).toMatchObject([{ by: 'carol', session: REVIEW.session, rule: 'no-deploy' }]);
  });

  it('is refused, without a trace of an approval, to those whom the rule does not take', async () => {
    await expect(home.port.approve({ id: REVIEW.id }, person('mallory'))).rejects.toThrow(/do not take an approval/);
    expect(review.done).toEqual(['take true mallory', 'back']);
    expect(await events('approve')).toEqual([]);
  });

  it('is not that of a person who is locked while it is written down, and the log says so', async () => {
    meanwhile = async () => {
      await home.authority.lock({ kind: 'user', subject: 'carol', reason: 'lost laptop', by: 'root' });
    };
    await expect(home.port.approve({ id: REVIEW.id }, CAROL)).rejects.toThrow('approve: carol is locked: lost laptop');
    expect(review.done).toEqual(['take true carol', 'back']);
    expect((await events('approve')).map((e) => e.allow)).toEqual([undefined, false]);
  });

  it('counts as the user whom `admins` names, so that a rule’s condition is about the person', async () => {
    await home.port.approve({ id: REVIEW.id }, ROOT);
    expect(review.done[0]).toBe('take true dave');
  });

  it('is nobody’s for themselves', async () => {
    await expect(home.port.approve({ id: REVIEW.id }, person('alice'))).rejects.toThrow(/is your own/);
    expect(review.done).toEqual([]);
  });

  it('refuses with a reason', async () => {
    const { request } = await home.port.refuse({ id: REVIEW.id, reason: 'no' }, CAROL);
    expect(request).toMatchObject({ state: 'refused', why: 'no' });
    expect(await events('refuse')).toMatchObject([{ by: 'carol', reason: 'no' }]);
  });
});
