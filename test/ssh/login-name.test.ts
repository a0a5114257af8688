import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_TARGET, parseLoginName } from '../../src/ssh/index.js';

describe('a login name', () => {
  test('is a user, and a target after the first plus sign', () => {
    expect(parseLoginName('alice')).toEqual({ raw: 'alice', user: 'alice', target: DEFAULT_TARGET });
    expect(parseLoginName('alice+db1')).toEqual({ raw: 'alice+db1', user: 'alice', target: 'db1' });
    expect(parseLoginName('a.b-c_9+prod/eu.1')).toMatchObject({ user: 'a.b-c_9', target: 'prod/eu.1' });
  });

  test.each([
    '',
    '+',
    '+db1',
    'alice+',
    'alice+db1+db2',
    'Alice',
    '-alice',
    '.alice',
    'alice ',
    'alice\n',
    'alice\0',
    'alice@host',
    'ålice',
    'a'.repeat(33),
    'alice+/etc',
    'alice+ ',
    `alice+${'d'.repeat(129)}`,
  ])('%j is none', (raw) => {
    expect(parseLoginName(raw)).toBeUndefined();
  });

  test('whatever comes, its parts hold nothing but what names may hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab9+._-/A \n\0é') }), (raw) => {
        const name = parseLoginName(raw);
        return (
          name === undefined || (/^[a-z0-9][a-z0-9._-]{0,31}$/.test(name.user) && !/[^A-Za-z0-9._/-]/.test(name.target))
        );
      }),
    );
  });
});
