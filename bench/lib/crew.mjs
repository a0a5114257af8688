/** A broker of a large company with many real sessions: what the benches about crowds have in common. */
import { crewRules, grantsOf, otherRules } from './company.mjs';
import { openMany, seed } from './many.mjs';

/** Rules a session of the crew is decided by. */
export const OWN = 50;

/**
 * `users`: how many sessions each has, by name. `options` is for startSallyport; `open` opens all their sessions and
 * resolves with them, each with its `user`.
 */
export function crew({ users, rules, grants = 0, config = [], policy = [] }) {
  const names = [...users.keys()];
  let keys;
  return {
    options: {
      config: [
        [['accounts'], { nobody: { home: 'private', shell: '/bin/sh' } }],
        [['limits', 'connectionsPerSource'], 2_000],
        ...config,
      ],
      policy: [
        ...crewRules(OWN),
        ...otherRules(rules - OWN),
        ...names.map((name) => `g, ${name}, crew`),
        ...policy,
      ].join('\n'),
      async prepare(home) {
        keys = await seed(
          home,
          names,
          grantsOf(grants, names, (i) => `role${i % 13}`),
        );
      },
    },
    open: (contender) => openMany(contender, keys, users),
  };
}

/** `count` users of `each` sessions. */
export const usersOf = (prefix, count, each) => Array.from({ length: count }, (_, i) => [`${prefix}${i}`, each]);
