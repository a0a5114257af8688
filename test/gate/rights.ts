import type { CommandQuestion, Decision, Rights, RightsData } from '../../src/policy/types.js';

/** Rights by a function on the words' text: enough to drive a gate without a policy. */
export function rightsBy(decide: (question: CommandQuestion) => 'allow' | 'none' | string): Rights {
  const data: RightsData = {
    user: 'u',
    target: 'local',
    targetGroups: [],
    holdings: [],
    rows: [],
    model: '',
    facts: {
      user: {},
      target: {},
      source: { ip: '127.0.0.1' },
      auth: { method: 'publickey' },
      device: {},
      risk: {},
      approval: {},
      startedAt: 0,
      timezone: 'UTC',
    },
  };
  return {
    data,
    decide(question): Decision {
      if (question.kind === 'action') return { allow: false, why: 'no-rule', children: 'checked' };
      const word = decide(question);
      if (word === 'none') return { allow: false, why: 'no-rule', children: 'checked' };
      const rule = { id: word, effect: word === 'allow' ? ('allow' as const) : ('deny' as const), file: 'p', line: 1 };
      return { allow: word === 'allow', why: 'rule', rule, children: 'checked' };
    },
  };
}

/** Denies `rm` whatever follows and `deny*`, has no rule for `seq` and `umask`, allows the rest. */
export const tryRights = rightsBy((q) => {
  const first = q.words[0]?.text ?? '';
  if (first === 'rm') return 'no-rm';
  if (q.words.some((w) => w.text === 'FORBIDDEN')) return 'no-word';
  return ['seq', 'umask'].includes(first) ? 'none' : 'allow';
});
