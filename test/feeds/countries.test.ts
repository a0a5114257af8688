import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countryIn, openCountries } from '../../src/feeds/countries.js';

const database = readFileSync(
  new URL('../../node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb', import.meta.url),
);

describe('the country of an address', () => {
  const countryOf = openCountries(database);
  it.each([
    ['8.8.8.8', 'US'],
    ['::ffff:8.8.8.8', 'US'],
    ['2001:4860:4860::8888', 'US'],
    ['193.99.144.80', 'DE'],
    ['127.0.0.1', undefined],
    ['10.1.2.3', undefined],
    ['not an address', undefined],
    ['', undefined],
  ])('%s is %s, by a real database', (ip, country) => {
    expect(countryOf(ip)).toBe(country);
    expect(countryOf(ip)).toBe(country);
  });

  it.each([
    [{ country: { iso_code: 'FR' } }, 'FR'],
    [{ country_code: 'FR' }, 'FR'],
    [{ country: { iso_code: 'fr' } }, undefined],
    [{ country: 'FR' }, undefined],
    [{ registered_country: { iso_code: 'FR' } }, undefined],
    [null, undefined],
  ])('in %j is %s', (record, country) => {
    expect(countryIn(record)).toBe(country);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('users: {}\n'.repeat(100))],
  ])('of %s cannot be told', (_what, bytes) => {
    expect(() => openCountries(bytes)).toThrow();
  });

  it('in a damaged database is unknown or wrong, never a fault', () => {
    const damaged = Buffer.from(database);
    for (let at = 1_000; at < damaged.length - 200_000; at += 997) damaged[at] = 0xff;
    const look = openCountries(damaged);
    for (let i = 0; i < 2_000; i += 1) look(`${(i * 7) % 223}.${i % 256}.${(i * 13) % 256}.1`);
  });
});
