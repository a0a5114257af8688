import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEveryone, readOne } from '../../src/feeds/document.js';

const KEY = `SHA256:${'a'.repeat(43)}`;

describe('what a feed tells', () => {
  it.each([
    ['JSON', '{"users":{"alice":{"risk.score":80,"device":{"managed":true}}}}'],
    ['YAML', 'users:\n  alice:\n    risk.score: 80\n    device: { managed: true }\n'],
  ])('is read from %s, with dots or nested', (_kind, text) => {
    expect(readEveryone(text)).toEqual([['alice', { 'risk.score': 80, 'device.managed': true }]]);
  });

  it('may be of keys; null is not known', () => {
    const text = JSON.stringify({ users: { bob: { 'risk.score': null } }, keys: { [KEY]: { device: { os: 'x' } } } });
    expect(readEveryone(text)).toEqual([
      ['bob', {}],
      [KEY, { 'device.os': 'x' }],
    ]);
  });

  it('of one is the facts alone', () => {
    expect(readOne('{"risk":{"score":3}}')).toEqual([['', { 'risk.score': 3 }]]);
  });

  it.each([
    ['', /not a map/],
    ['[]', /not a map/],
    ['<html>busy</html>', /not a map|neither JSON/],
    ['{"users":{"alice":', /neither JSON nor YAML/],
    ['{"user":{}}', /only users and keys/],
    ['{"users":[]}', /users is not a map/],
    ['{"users":{"Alice!":{}}}', /not a user name/],
    ['{"keys":{"alice":{}}}', /not a fingerprint/],
    ['{"users":{"alice":80}}', /alice: the facts are not a map/],
    ['{"users":{"alice":{"a":[1]}}}', /alice: a is not text/],
    ['{"users":{"alice":{"a":{"b":{"c":1}}}}}', /a.b is not text/],
    ['users: {alice: {a: .nan}}', /is not text/],
    ['users: &a {alice: {a: 1}}\nkeys: *a', /alias|Excessive/i],
    [`{"users":{"alice":{"a":"${'x'.repeat(1_001)}"}}}`, /a is not text/],
    [`users: {}\n#${'x'.repeat(1024 * 1024)}`, /longer than 1 MiB/],
  ])('%.60j is refused whole', (text, message) => {
    expect(() => readEveryone(text)).toThrow(message);
  });

  it('never brings anything but facts of users and keys, whatever is answered', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          for (const [subject, facts] of readEveryone(text))
            expect([typeof subject, Object.getPrototypeOf(facts) === Object.prototype]).toEqual(['string', true]);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });

  it('named __proto__ is a name like others', () => {
    const [[, facts] = ['', {}]] = readEveryone('{"users":{"alice":{"__proto__":{"polluted":true}}}}');
    expect(Object.hasOwn(facts, '__proto__.polluted')).toBe(true);
    expect('polluted' in {}).toBe(false);
  });
});
