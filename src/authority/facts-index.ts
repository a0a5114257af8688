/** The store's records by the names they are asked for, so that an answer costs what it holds and not what is stored. */
import type { AccessRequest, Grant, Lock, SetFact, StoreData, User, UserKey } from '../store/types.js';

const NONE: ReadonlyMap<string, Grant> = new Map();

export class FactsIndex {
  readonly #users = new Map<string, User>();
  readonly #keyOwners = new Map<string, string>();
  readonly #grants = new Map<string, Map<string, Grant>>();
  readonly #grantsById = new Map<string, Grant>();
  readonly #locks = new Map<string, Lock>();
  readonly #facts = new Map<string, Map<string, SetFact>>();
  readonly #requests = new Map<string, AccessRequest>();

  constructor(data: StoreData, now: number) {
    for (const user of data.users) this.putUser(user);
    for (const grant of data.grants) if (!hasEnded(grant, now)) this.putGrant(grant);
    for (const lock of data.locks) if (!hasEnded(lock, now)) this.putLock(lock);
    for (const fact of data.facts) if (!hasEnded(fact, now)) this.putFact(fact);
    for (const request of data.requests) if (request.expiresAt > now) this.putRequest(request);
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  users(): Iterable<User> {
    return this.#users.values();
  }

  key(fp: string): { user: User; key: UserKey } | undefined {
    const user = this.#users.get(this.#keyOwners.get(fp) ?? '');
    const key = user?.keys.find((k) => k.fp === fp);
    return user && key ? { user, key } : undefined;
  }

  /** Grants not revoked; some may have ended since. */
  grantsOf(user: string): ReadonlyMap<string, Grant> {
    return this.#grants.get(user) ?? NONE;
  }

  grant(id: string): Grant | undefined {
    return this.#grantsById.get(id);
  }

  grants(): Iterable<Grant> {
    return this.#grantsById.values();
  }

  lock(id: string): Lock | undefined {
    return this.#locks.get(id);
  }

  /** Locks not lifted; some may have ended since. */
  locks(): Iterable<Lock> {
    return this.#locks.values();
  }

  putUser(user: User): void {
    this.dropUser(user.name);
    this.#users.set(user.name, user);
    for (const key of user.keys) this.#keyOwners.set(key.fp, user.name);
  }

  dropUser(name: string): void {
    for (const key of this.#users.get(name)?.keys ?? []) this.#keyOwners.delete(key.fp);
    this.#users.delete(name);
  }

  putGrant(grant: Grant): void {
    if (grant.revokedAt !== undefined) {
      this.dropGrant(grant);
      return;
    }
    this.#grantsById.set(grant.id, grant);
    const own = this.#grants.get(grant.user);
    if (own) own.set(grant.id, grant);
    else this.#grants.set(grant.user, new Map([[grant.id, grant]]));
  }

  dropGrant(grant: Grant): void {
    this.#grantsById.delete(grant.id);
    const own = this.#grants.get(grant.user);
    own?.delete(grant.id);
    if (own?.size === 0) this.#grants.delete(grant.user);
  }

  putLock(lock: Lock): void {
    if (lock.liftedAt === undefined) this.#locks.set(lock.id, lock);
    else this.#locks.delete(lock.id);
  }

  dropLock(lock: Lock): void {
    this.#locks.delete(lock.id);
  }

  fact(subject: string, name: string): SetFact | undefined {
    return this.#facts.get(subject)?.get(name);
  }

  /** Facts set by hand; some may have ended since. */
  factsOf(subject: string): Iterable<SetFact> {
    return this.#facts.get(subject)?.values() ?? [];
  }

  putFact(fact: SetFact): void {
    const own = this.#facts.get(fact.subject);
    if (own) own.set(fact.name, fact);
    else this.#facts.set(fact.subject, new Map([[fact.name, fact]]));
  }

  dropFact({ subject, name }: Pick<SetFact, 'subject' | 'name'>): void {
    const own = this.#facts.get(subject);
    own?.delete(name);
    if (own?.size === 0) this.#facts.delete(subject);
  }

  /** Requests nobody decided; some may have expired since. */
  requests(): Iterable<AccessRequest> {
    return this.#requests.values();
  }

  request(id: string): AccessRequest | undefined {
    return this.#requests.get(id);
  }

  putRequest(request: AccessRequest): void {
    if (request.state === 'waiting') this.#requests.set(request.id, request);
    else this.#requests.delete(request.id);
  }

  dropRequest(request: AccessRequest): void {
    this.#requests.delete(request.id);
  }
}

/** Whether its time is over. The end itself is over. */
export function hasEnded(span: { until?: number }, now: number): boolean {
  return span.until !== undefined && span.until <= now;
}
