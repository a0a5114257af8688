/** A policy small enough to reason about, and a home to keep a store in. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { Authority, Change, PolicyView, PublicKey } from '../../src/authority/index.js';
import { openAuthority } from '../../src/authority/index.js';
import { type Config, parseConfig } from '../../src/config/index.js';
import type { Row } from '../../src/policy/types.js';
import { openStore, type Store } from '../../src/store/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Edges as `member > role`; groups as `target > group`; each named role gets one rule. */
export function policyOf(edgeTexts: string[], ruleRoles: string[] = [], groupTexts: string[] = []): PolicyView {
  const pairs = (texts: string[]) => texts.map((t) => t.split(' > ') as [string, string]);
  const edges = pairs(edgeTexts).map(([member, role], i) => ({ member, role, file: '/p/policy.csv', line: i + 1 }));
  const rows = ruleRoles.map(
    (role): Row => ({
      id: `r-${role}`,
      role,
      target: '*',
      command: '*',
      when: 'true',
      effect: 'allow',
      children: 'checked',
      file: '/p/policy.csv',
      line: 100,
    }),
  );
  const closure = (start: string, links: [string, string][]) => {
    const found = new Set<string>();
    const visit = (name: string) => {
      for (const [from, to] of links)
        if (from === name && !found.has(to)) {
          found.add(to);
          visit(to);
        }
    };
    visit(start);
    found.delete(start);
    return [...found];
  };
  return {
    digest: [...edgeTexts, ...ruleRoles].join(),
    model: 'model',
    labels: { user: {}, target: {}, device: {} },
    rows,
    edges,
    rolesOf: (name) => closure(name, pairs(edgeTexts)),
    groupsOf: (target) => closure(target, pairs(groupTexts)),
    rowsFor: (roles) => rows.filter((row) => row.role === '*' || roles.has(row.role)),
  };
}

export interface Home {
  dir: string;
  store: Store;
  clock: FakeClock;
  authority: Authority;
  changes: Change[];
  config: Config;
  close(): Promise<void>;
}

export async function home(
  options: { policy?: PolicyView; yaml?: string; dir?: string; clock?: FakeClock } = {},
): Promise<Home> {
  const dir = options.dir ?? join(mkdtempSync(join(tmpdir(), 'sp-authority-')), 'state');
  const store = await openStore(dir, { create: options.dir === undefined });
  const clock = options.clock ?? new FakeClock();
  const config = parseConfig(options.yaml ?? '', '/h');
  const policy = options.policy ?? policyOf([]);
  const authority = openAuthority({ store, policy, clock, config });
  const changes: Change[] = [];
  authority.onChange((change) => changes.push(change));
  const close = async () => {
    authority.close();
    await store.close();
  };
  return { dir, store, clock, authority, changes, config, close };
}

export const query = (user: string, target = 'local') => ({
  user,
  target,
  source: { ip: '10.0.0.1' },
  auth: { method: 'publickey' },
  startedAt: 0,
});

/** `role@target via` of every holding that counts on this target, sorted. */
export const held = (authority: Authority, user: string, target = 'local') =>
  authority
    .rightsFor(query(user, target))
    .holdings.map((h) => `${h.role}@${h.target}`)
    .sort();

/** Opens homes of one test each; they are closed when it is over. */
export function homesOf(): (options?: Parameters<typeof home>[0]) => Promise<Home> {
  const homes: Home[] = [];
  afterEach(async () => {
    for (const h of homes.splice(0)) await h.close();
  });
  return async (options = {}) => {
    const h = await home(options);
    homes.push(h);
    return h;
  };
}

/** A key of its own for every number. */
export const keyOf = (n: number): PublicKey => ({
  fp: `SHA256:${String(n).padStart(43, 'k')}`,
  type: 'ssh-ed25519',
  data: 'AAAA',
  comment: '',
});

export const because = { reason: 'ticket 7', by: 'root' };
export const kindsOf = (h: Home) => h.changes.map((c) => c.kind);
