import { expect, test } from 'vitest';
import { deadlinesFor } from '../../src/authority/index.js';
import { parseConfig } from '../../src/config/index.js';
import type { RoleHolding } from '../../src/policy/types.js';
import { HOUR, MINUTE } from './scene.js';

const config = parseConfig(
  'session: { idle: 15m, hard: 8h, roles: { sre: { idle: 5m, hard: 2h }, ops: { hard: 24h }, dba: { hard: 1h } } }',
  '/h',
);
const START = 1_000_000_000_000;
const by = (role: string, from?: number, until?: number): RoleHolding => ({
  role,
  target: '*',
  via: from === undefined ? 'policy' : 'g',
  ...(from === undefined ? {} : { from: START + from }),
  ...(until === undefined ? {} : { until: START + until }),
});
const ask = (holdings: RoleHolding[], now = 0, more: { edge?: number; credentialUntil?: number } = {}) => {
  const d = deadlinesFor({ config, rights: { holdings }, startedAt: START, now: START + now, ...more });
  return [d.idleMs / MINUTE, (d.hardAt - START) / HOUR, d.hardCause];
};

test('without a role of its own limit the general one counts from admission', () => {
  expect(ask([])).toEqual([15, 8, 'deadline']);
  expect(ask([by('engineer')], 3 * HOUR)).toEqual([15, 8, 'deadline']);
});

test('a role replaces the general limit, and of several the shortest wins', () => {
  expect(ask([by('ops')])).toEqual([15, 24, 'deadline']);
  expect(ask([by('ops'), by('sre')])).toEqual([5, 2, 'deadline']);
});

test('a role held before counts from admission, one gained since from its gain', () => {
  expect(ask([by('dba', -HOUR, 9 * HOUR)])).toEqual([15, 1, 'deadline']);
  expect(ask([by('dba', 3 * HOUR, 9 * HOUR)], 3 * HOUR)).toEqual([15, 4, 'deadline']);
  expect(ask([by('sre'), by('dba', HOUR, 9 * HOUR)], HOUR)).toEqual([5, 2, 'deadline']);
});

test('a grant that will start is foreseen, and one that will end', () => {
  expect(ask([by('dba', 2 * HOUR, 9 * HOUR)])).toEqual([15, 3, 'deadline']);
  expect(ask([by('dba', 2 * HOUR, 2.5 * HOUR)])).toEqual([15, 8, 'deadline']);
  expect(ask([by('ops', -HOUR, 10 * HOUR)])).toEqual([15, 10, 'deadline']);
  expect(ask([by('ops', -HOUR, 5 * HOUR)])).toEqual([15, 8, 'deadline']);
});

test('a deadline that has passed stays where it was', () => {
  expect(ask([], 20 * HOUR)).toEqual([15, 8, 'deadline']);
});

test('an edge of @session or the end of the key comes first when it is earlier', () => {
  expect(ask([], 0, { edge: START + HOUR })).toEqual([15, 1, 'deadline']);
  expect(ask([], 0, { edge: START + 9 * HOUR })).toEqual([15, 8, 'deadline']);
  expect(ask([], 0, { credentialUntil: START + HOUR, edge: START + 2 * HOUR })).toEqual([15, 1, 'credential']);
  expect(ask([], 0, { credentialUntil: START + 9 * HOUR })).toEqual([15, 8, 'deadline']);
});
