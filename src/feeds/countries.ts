import { isIP } from 'node:net';
import { Reader, type Response } from 'mmdb-lib';

/** Addresses looked up and kept. */
const MAX_KEPT = 10_000;

/**
 * The country of an address, ISO 3166 alpha-2, by a MaxMind database in memory; undefined where it does not know. Never
 * throws once it is made; throws an Error with words for the operator on what is no such database.
 */
export function openCountries(bytes: Buffer): (ip: string) => string | undefined {
  const reader = new Reader<Response>(bytes);
  const known = new Map<string, string | undefined>();
  return (ip) => {
    if (known.has(ip)) return known.get(ip);
    if (known.size >= MAX_KEPT) known.clear();
    const country = lookUp(reader, ip);
    known.set(ip, country);
    return country;
  };
}

function lookUp(reader: Reader<Response>, ip: string): string | undefined {
  const address = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;
  if (isIP(address) === 0) return undefined;
  try {
    return countryIn(reader.get(address));
  } catch {
    return undefined;
  }
}

/** MaxMind's own layout, and the flat one of databases made by others. */
export function countryIn(record: unknown): string | undefined {
  const country = field(record, 'country');
  const code = field(country, 'iso_code') ?? field(record, 'country_code');
  return typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? code : undefined;
}

const field = (record: unknown, name: string): unknown =>
  typeof record === 'object' && record !== null && Object.hasOwn(record, name)
    ? (record as Record<string, unknown>)[name]
    : undefined;
