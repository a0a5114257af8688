import type { Config } from '../config/types.js';
import type { Clock } from '../core/clock.js';
import { prove } from '../mfa/index.js';
import type { Store } from '../store/types.js';
import { enrolFactor, removeFactor, useFactor } from './acts-factor.js';
import { labelUser, setFacts, userOfSubject } from './acts-facts.js';
import { giveGrant, revoke } from './acts-grants.js';
import { liftLock, lockAgainst, putLock } from './acts-locks.js';
import {
  approveRequest,
  askForRole,
  expireRequests,
  refuseRequest,
  stateOf,
  withdrawRequest,
} from './acts-requests.js';
import { addKey, addUser, removeKey, removeUser } from './acts-users.js';
import { knownFacts } from './context.js';
import { ChangeEmitter } from './emitter.js';
import { FactsIndex, hasEnded } from './facts-index.js';
import { type Gains, gainsAfter, NO_GAINS } from './gains.js';
import { momentsOf, newsOf } from './moments.js';
import { withoutOld } from './retention.js';
import { buildRights, holdingsOf } from './rights.js';
import { type Act, type Scene, userOf } from './scene.js';
import { Timeline } from './timeline.js';
import { type FeedUpdate, ToldFacts } from './told-facts.js';
import type * as t from './types.js';

/** The one place that knows what is true now. The store is open, and stays the caller's to close. */
export function openAuthority(options: t.OpenAuthorityOptions): t.Authority {
  return new StoreAuthority(options);
}

class StoreAuthority implements t.Authority {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #changes: ChangeEmitter;
  readonly #timeline: Timeline;
  readonly #stopRollback: () => void;
  /** Changes not durable yet. */
  readonly #pending = new Set<t.Change>();
  #policy: t.PolicyView;
  #config: Config;
  #gains: Gains = NO_GAINS;
  #index: FactsIndex;
  readonly #told = new ToldFacts();
  #countryOf: (ip: string) => string | undefined = () => undefined;

  constructor({ store, policy, clock, config }: t.OpenAuthorityOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#policy = policy;
    this.#config = config;
    this.#changes = new ChangeEmitter(clock);
    this.#index = new FactsIndex(store.data, clock.now());
    this.#timeline = new Timeline(clock, {
      due: (moments) => {
        for (const news of newsOf(this.#index, moments)) this.#changes.emit(news);
      },
      wentBack: () => {
        this.#reload();
        this.#changes.emit({ kind: 'context', users: 'all', cause: 'context' });
      },
    });
    this.#reload();
    this.#stopRollback = store.onRollback(() => this.#takenBack());
  }

  version = () => this.#changes.version;
  users = () => this.#store.data.users;
  user = (name: string) => this.#index.user(name);
  key = (fp: string) => this.#index.key(fp);
  policyRoles = (user: string) => this.#policy.rolesOf(user);
  holdings = (user: string) => holdingsOf(this.#scene(), this.#gains, user);
  onChange = (fn: t.ChangeListener) => this.#changes.on(fn);

  usableKey(user: string, fp: string) {
    const found = this.#index.key(fp);
    if (found?.user.name !== user) return undefined;
    const { expiresAt } = found.key;
    return expiresAt === undefined || expiresAt > this.#clock.now() ? found.key : undefined;
  }

  grants({ user, role, all = false }: t.GrantFilter = {}) {
    const now = this.#clock.now();
    const standing = user === undefined ? this.#index.grants() : this.#index.grantsOf(user).values();
    const wanted = [...(all ? this.#store.data.grants : standing)].filter(
      (g) => (user ?? g.user) === g.user && (role ?? g.role) === g.role && (all || !hasEnded(g, now)),
    );
    return wanted.sort(byId);
  }

  locks(all = false) {
    const now = this.#clock.now();
    return all ? [...this.#store.data.locks] : [...this.#index.locks()].filter((l) => !hasEnded(l, now));
  }

  requests(all = false) {
    const now = this.#clock.now();
    const found = all
      ? [...this.#store.data.requests]
      : [...this.#index.requests()].filter((r) => stateOf(r, now) === 'waiting');
    return found.sort(byId);
  }

  addUser = (input: t.AddUser) => this.#perform((scene) => addUser(scene, input));
  removeUser = (input: { user: string; by: string }) => this.#perform((scene) => removeUser(scene, input));
  addKey = (input: Parameters<typeof addKey>[1]) => this.#perform((scene) => addKey(scene, input));
  removeKey = (input: { user: string; fp: string }) => this.#perform((scene) => removeKey(scene, input));
  grant = (input: t.GiveGrant) => this.#perform((scene) => giveGrant(scene, input));
  revoke = (what: t.RevokeWhat, by: string) => this.#perform((scene) => revoke(scene, what, by));
  lock = (input: t.PutLock) => this.#perform((scene) => putLock(scene, input));
  unlock = (id: string, by: string) => this.#perform((scene) => liftLock(scene, id, by));

  askForRole = (input: t.AskForRole) => this.#perform((scene) => askForRole(scene, input));
  approveRequest = (answer: t.Answer) => this.#perform((scene) => approveRequest(scene, answer));
  refuseRequest = (answer: t.Answer) => this.#perform((scene) => refuseRequest(scene, answer));
  async expireRequests() {
    const act = expireRequests(this.#scene());
    return act === undefined ? [] : (await this.#perform(() => act)).requests;
  }

  withdrawRequest = (input: { id: string; user: string }) => this.#perform((scene) => withdrawRequest(scene, input));

  setFacts = (input: t.SetFacts) => this.#perform((scene) => setFacts(scene, input));
  labelUser = (input: t.LabelUser) => this.#perform((scene) => labelUser(scene, input));
  toldBy = (feed: string) => this.#told.count(feed);

  tell(feed: string, update: FeedUpdate) {
    const subjects = this.#told.update(feed, update, this.#clock.now());
    const users = new Set(subjects.flatMap((subject) => userOfSubject(this.#index, subject) ?? []));
    return users.size === 0 ? undefined : this.#changes.emit({ kind: 'context', users, cause: 'context' });
  }

  useCountries(countryOf: (ip: string) => string | undefined) {
    this.#countryOf = countryOf;
    this.#changes.emit({ kind: 'context', users: 'all', cause: 'context' });
  }

  knownFacts(who: { user: string; key?: string }) {
    const scene = this.#scene();
    userOf(scene, who.user);
    return knownFacts(scene, who);
  }

  enrolFactor = (input: { user: string; issuer: string }) => this.#perform((scene) => enrolFactor(scene, input));
  removeFactor = (input: { user: string }) => this.#perform((scene) => removeFactor(scene, input));

  async proveFactor(user: string, typed: string): Promise<t.FactorVerdict> {
    const factor = this.user(user)?.factor;
    if (!factor) return { ok: false, why: 'none' };
    const proof = prove(factor, typed, this.#clock.now());
    if (!proof.ok) return proof;
    // In one tick with the look at it: no code is good twice.
    await this.#perform((scene) => useFactor(scene, { user, factor: proof.factor }));
    return { ok: true, by: proof.by };
  }

  factorProved = (user: string) => this.#changes.emit({ kind: 'factor', users: new Set([user]), cause: 'context' });

  async setPolicy(policy: t.PolicyView, config = this.#config) {
    this.#gains = gainsAfter(this.#gains, this.#policy, policy, this.#clock.now());
    this.#policy = policy;
    this.#useConfig(config);
    return { change: this.#changes.emit({ kind: 'policy', users: 'all', cause: 'revoked' }) };
  }

  async setConfig(config: Config) {
    this.#useConfig(config);
    return { change: this.#changes.emit({ kind: 'context', users: 'all', cause: 'context' }) };
  }

  rightsFor = (query: t.RightsQuery) => buildRights(this.#scene(), this.#gains, query);
  lockFor = (who: { user: string; key?: string; target?: string }) => lockAgainst(this.#scene(), who);

  close(): void {
    this.#stopRollback();
    this.#timeline.close();
  }

  /** What a feed said that is gone is not known any more. */
  #useConfig(config: Config): void {
    this.#config = config;
    this.#told.keep(new Set(Object.keys(config.context.feeds)));
  }

  #scene(): Scene {
    return {
      data: this.#store.data,
      index: this.#index,
      policy: this.#policy,
      config: this.#config,
      now: this.#clock.now(),
      told: this.#told,
      countryOf: this.#countryOf,
    };
  }

  /** Decides, makes true and tells in one tick; then waits for the disk. */
  async #perform<R>(plan: (scene: Scene) => Act<R>): Promise<t.Done & R> {
    const act = plan(this.#scene());
    const data = withoutOld(act.data, this.#clock.now(), this.#config.retentionMs);
    const durable = this.#store.commit(data);
    // A store that takes no more commits has refused without changing anything.
    if (this.#store.data !== data) await durable;
    this.#adopt(act);
    const change = this.#changes.emit(act.news);
    this.#pending.add(change);
    try {
      await durable;
    } finally {
      this.#pending.delete(change);
    }
    return { change, ...act.result };
  }

  #adopt(act: Act<unknown>): void {
    if (act.removedUser !== undefined) this.#index.dropUser(act.removedUser);
    for (const user of act.users ?? []) this.#index.putUser(user);
    for (const grant of act.grants ?? []) this.#index.putGrant(grant);
    for (const lock of act.locks ?? []) this.#index.putLock(lock);
    for (const fact of act.facts ?? []) this.#index.putFact(fact);
    for (const fact of act.droppedFacts ?? []) this.#index.dropFact(fact);
    for (const request of act.requests ?? []) this.#index.putRequest(request);
    for (const moment of momentsOf(act, this.#clock.now())) this.#timeline.add(moment);
  }

  #reload(): void {
    const now = this.#clock.now();
    const { data } = this.#store;
    this.#index = new FactsIndex(data, now);
    this.#timeline.clear();
    for (const moment of momentsOf(data, now)) this.#timeline.add(moment);
  }

  /** The store could not write: what it took back was told already, so those users are told again. */
  #takenBack(): void {
    this.#reload();
    const users = new Set<string>();
    let everyone = false;
    for (const change of this.#pending) {
      if (change.users === 'all') everyone = true;
      else for (const user of change.users) users.add(user);
    }
    this.#changes.emit({ kind: 'context', users: everyone ? 'all' : users, cause: 'revoked' });
  }
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
