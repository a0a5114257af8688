import { Environment } from '@marcbachmann/cel-js';
import type { Labels } from '../types.js';
import { cidr } from './cidr.js';
import { schemaOf } from './schema.js';

/** Bounds what one condition may cost to read and to evaluate. */
const LIMITS = { maxAstNodes: 1_000, maxDepth: 50, maxListElements: 500, maxMapEntries: 50, maxCallArguments: 8 };

/** Environments by what they declare; a process sees one or two. */
const cache = new Map<string, Environment>();
const CACHE_SIZE = 16;

/** A CEL environment that knows exactly our context. Without labels, `user`, `target` and `device` are untyped maps. */
export function environmentFor(labels: Labels | undefined): Environment {
  const key = JSON.stringify(labels ?? null);
  const known = cache.get(key);
  if (known) return known;
  const environment = build(labels);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(key, environment);
  return environment;
}

function build(labels: Labels | undefined): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS });
  const schema = schemaOf(labels ?? { user: {}, target: {}, device: {} });
  for (const [name, fields] of Object.entries(schema)) {
    const untyped = labels === undefined && (name === 'user' || name === 'target' || name === 'device');
    if (untyped) environment.registerVariable(name, 'map');
    else environment.registerVariable(name, { schema: { ...fields } });
  }
  environment.registerFunction('cidr(string, string): bool', cidr);
  return environment;
}

const plain = new Environment();

/** A CEL duration of so many ms. */
export function celDuration(ms: number): unknown {
  const seconds = Math.floor(ms / 1000);
  return new Duration(BigInt(seconds), Math.round((ms - seconds * 1000) * 1e6));
}

// The library exports no constructor for durations, but its values have one.
const Duration = (plain.evaluate("duration('1s')") as object).constructor as new (s: bigint, nanos: number) => object;

/** ms of a CEL duration literal such as `1h30m`; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  try {
    return Number(plain.evaluate(`duration(${JSON.stringify(text)}).getMilliseconds()`));
  } catch {
    return undefined;
  }
}

/** ms since the epoch of a CEL timestamp literal; undefined when it is none. */
export function timestampMs(text: string): number | undefined {
  try {
    const value: unknown = plain.evaluate(`timestamp(${JSON.stringify(text)})`);
    return value instanceof Date ? value.getTime() : undefined;
  } catch {
    return undefined;
  }
}
