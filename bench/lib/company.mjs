/** A large company: many rules and grants of others around the people a bench looks at. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built, tree } from './paths.mjs';

const conditions = ['true', 'risk.score < 50.0', 'has(risk.score) && risk.score < 70.0', 'time.hour >= 0'];

/** Rules of role `crew`: being in, and `own` programs under conditions of every kind, which let it all happen. */
export const crewRules = (own) => [
  'p, crew-login, crew, *, @login, true, allow, checked',
  'p, crew-session, crew, *, @session, "!has(risk.score) || risk.score < 95.0", allow, checked',
  'p, crew-exec, crew, *, @exec, true, allow, checked',
  'p, crew-base, crew, *, {sleep|sh|true|echo|readlink|exit|trap} **, true, allow, checked',
  ...Array.from(
    { length: own - 4 },
    (_, i) => `p, crew${i}, crew, *, tool${i} {-a|--all} **, ${conditions[i % conditions.length]}, allow, checked`,
  ),
];

/** Rules of other roles, on the same targets. */
export const otherRules = (count) =>
  Array.from(
    { length: count },
    (_, i) => `p, r${i}, other${i % 997}, *, tool${i} **, risk.score < ${i % 90}.5, allow, checked`,
  );

/** Grants shared out among `users`: `role(i)` each, ending one after the other, none within the hour. */
export const grantsOf = (count, users, role = (i) => `other${i % 997}`) =>
  Array.from({ length: count }, (_, i) => ({
    id: `0000000000000000${String(i).padStart(10, '0')}`,
    user: users[i % users.length],
    role: role(i),
    target: '*',
    from: Date.now() - 1_000,
    until: Date.now() + 3_600_000 + i * 1_000,
    reason: 'bench',
    by: 'root',
    createdAt: Date.now(),
  }));

/** An authority over this policy, users and grants, in this process. */
export async function openCompany(home, { policyText, users, grants, yaml = 'listen: 127.0.0.1:2222\n' }) {
  const { compilePolicy } = await built('policy/index.js');
  const { openAuthority } = await built('authority/index.js');
  const { openStore } = await built('store/index.js');
  const { parseConfig } = await built('config/index.js');
  const { systemClock } = await built('core/clock.js');
  mkdirSync(join(home, 'state'), { recursive: true, mode: 0o700 });
  const config = parseConfig(yaml, home);
  const { policy, problems } = compilePolicy({
    modelText: readFileSync(join(tree, 'policies/model.conf'), 'utf8'),
    ...{ modelFile: 'model.conf', policyText, policyFile: 'policy.csv', labels: config.labels },
  });
  if (!policy) throw new Error(`policy: ${problems[0]?.message}`);
  const store = await openStore(join(home, 'state'), { create: true });
  await store.commit({ ...store.data, users, grants });
  const clock = systemClock();
  const authority = openAuthority({ store, policy, clock, config });
  return { authority, store, config, clock };
}
