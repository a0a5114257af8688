import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/index.js';

const feed = (text: string, more = '') =>
  parseConfig(`${more}\ncontext:\n  feeds:\n    f: ${text}\n`, '/h').context.feeds.f;

describe('a feed', () => {
  it.each([
    ['{ file: a.yaml, gives: [device.managed] }', { kind: 'file', from: '/h/a.yaml', refreshMs: 5_000, keepMs: 0 }],
    ['{ url: "https://x.example/s", gives: [risk.score] }', { kind: 'poll', refreshMs: 10_000, timeoutMs: 3_000 }],
    ['{ url: "https://x.example/{user}?a=1", gives: [risk.score] }', { kind: 'ask', refreshMs: 300_000 }],
    ['{ url: "http://127.0.0.1:8/", gives: [risk.score] }', { kind: 'poll' }],
    ['{ push: true, gives: [device.*], stale: { keep: 10m } }', { kind: 'push', keepMs: 600_000 }],
    ['{ country: /usr/share/x.mmdb }', { kind: 'country', gives: ['source.country'] }],
    [
      '{ url: "https://x/", gives: [risk.score], token: t, header: X-Key, ca: c }',
      { tokenFile: '/h/t', caFile: '/h/c' },
    ],
  ])('%s is read', (text, expected) => {
    expect(feed(text)).toMatchObject(expected);
  });

  it.each([
    ['{ gives: [risk.score] }', /exactly one of file, url, push and country/],
    ['{ file: a, url: "https://x/", gives: [risk.score] }', /exactly one of/],
    ['{ file: a }', /gives is missing/],
    ['{ file: a, gives: [risk.scor] }', /did you mean risk.score/],
    ['{ file: a, gives: [device.color] }', /not declared/],
    ['{ file: a, gives: [mfa.age] }', /cannot be set/],
    ['{ country: a, gives: [risk.score] }', /gives source.country and no more/],
    ['{ url: "http://x.example/", gives: [risk.score] }', /use https/],
    ['{ url: "ftp://x.example/", gives: [risk.score] }', /not an https address/],
    ['{ url: "https://u:p@x.example/", gives: [risk.score] }', /holds a password/],
    ['{ url: "https://{user}.example/", gives: [risk.score] }', /stands in the path/],
    ['{ url: "https://x/{ip}", gives: [risk.score] }', /only \{user\} is replaced/],
    ['{ file: a, gives: [risk.score], token: t }', /only a feed with a url/],
    ['{ url: "https://x/", gives: [risk.score], header: X }', /needs token/],
    ['{ url: "https://x/", gives: [risk.score], timeout: 1m }', /at most 30s/],
    ['{ file: a, gives: [risk.score], stale: never }', /neither deny nor a grace/],
    ['{ file: a, gives: [risk.score], refrsh: 3s }', /did you mean refresh/],
    ['{ file: a, gives: [risk.score], refresh: 10ms }', /too short/],
  ])('%s is an error with its line', (text, message) => {
    expect(() => feed(text)).toThrow(message);
    expect(() => feed(text)).toThrow(/sallyport.yaml:4/);
  });

  it('is checked against the labels that are declared', () => {
    const labels = 'labels: { device: { color: string } }';
    expect(feed('{ file: a, gives: [device.color] }', labels)).toMatchObject({ gives: ['device.color'] });
    expect(() => feed('{ file: a, gives: [device.managed] }', labels)).toThrow(/device.managed/);
  });

  it('of countries there is one', () => {
    expect(() => parseConfig('context: { feeds: { a: { country: x }, b: { country: y } } }', '/h')).toThrow(
      /one already, a/,
    );
  });
});
