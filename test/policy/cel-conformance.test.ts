import { tests as CONFORMANCE } from '@bufbuild/cel-spec/testdata/conformance.js';
import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from 'vitest';
import { checkNodes } from '../../src/policy/cel/checks.js';

/**
 * The CEL specification's own conformance cases. Conditions are a part of CEL: what we do not support must be refused
 * when the rule is read, or fail when it is evaluated (and so closed), and never quietly mean something else.
 */
interface Case {
  name?: string;
  expr: string;
  value?: object;
  evalError?: object;
  bindings?: Record<string, { value?: object }>;
  container?: string;
}
interface Suite {
  name: string;
  suites?: Suite[];
  tests?: { original: Case }[];
}

/** Protocol buffers, name spaces and the extensions of other hosts: no fact is a message, and no function is theirs. */
const APART = new Set(
  (
    'bindings_ext block_ext encoders_ext enums math_ext optionals proto2 proto2_ext proto3 string_ext ' +
    'namespace type_deductions unknowns wrappers'
  ).split(' '),
);

/** Answered where the specification has an error: the ends of 64 bits, and maps nobody would write. */
const BEYOND = new Set([
  'conversions/int/double_int_max_range',
  'conversions/int/double_int_min_range',
  'conversions/int/double_range',
  'conversions/uint/double_uint_max_range',
  'integer_math/int64_math/int64_min_negate',
  'integer_math/int64_math/int64_min_negate_div',
  'fields/qualified_identifier_resolution/map_key_null',
  'fields/qualified_identifier_resolution/map_value_repeat_key',
]);

/** So that support cannot shrink unseen. */
const AT_LEAST: Record<string, number> = {
  ...{ basic: 30, comparisons: 122, conversions: 44, fields: 15, fp_math: 29, integer_math: 39, lists: 19, logic: 21 },
  ...{ macros: 36, parse: 111, plumbing: 4, string: 43, timestamps: 44 },
};

class Unknown extends Error {}

function factOf(value: object): unknown {
  const [entry = ['', undefined]] = Object.entries(value);
  const [kind, content] = entry as [string, never];
  switch (kind) {
    case 'int64Value':
      return BigInt(content);
    case 'doubleValue':
      return Number(content);
    case 'stringValue':
    case 'boolValue':
    case 'nullValue':
      return kind === 'nullValue' ? null : content;
    case 'listValue':
      return ((content as { values?: object[] }).values ?? []).map(factOf);
    case 'mapValue':
      return mapOf(content);
    default:
      throw new Unknown(kind);
  }
}

function mapOf({ entries = [] }: { entries?: { key: object; value: object }[] }): Map<unknown, unknown> {
  return new Map(entries.map(({ key, value }) => [factOf(key), factOf(value)]));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [String(k), plain(v)]));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return new Map(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}

type Outcome = 'as specified' | 'refused when read' | 'fails' | 'of other types' | { got: unknown; wanted: unknown };

function outcomeOf(test: Case): Outcome {
  const environment = new Environment({ unlistedVariablesAreDyn: false });
  const facts: Record<string, unknown> = {};
  let wanted: unknown;
  try {
    for (const [name, { value }] of Object.entries(test.bindings ?? {})) {
      facts[name] = factOf(value ?? { none: 0 });
      environment.registerVariable(name, 'dyn');
    }
    wanted = test.value === undefined ? test.evalError === undefined : factOf(test.value);
  } catch (error) {
    if (error instanceof Unknown) return 'of other types';
    throw error;
  }
  let evaluate: (facts: Record<string, unknown>) => unknown;
  try {
    const parsed = environment.parse(test.expr);
    if (!parsed.check().valid) return 'refused when read';
    checkNodes(parsed.ast);
    evaluate = parsed;
  } catch {
    return 'refused when read';
  }
  try {
    const got = evaluate(facts);
    if (test.evalError !== undefined) return { got, wanted: 'an error' };
    return same(got, wanted) ? 'as specified' : { got, wanted };
  } catch {
    return test.evalError === undefined ? 'fails' : 'as specified';
  }
}

function same(got: unknown, wanted: unknown): boolean {
  try {
    expect(plain(got)).toEqual(plain(wanted));
    return true;
  } catch {
    return false;
  }
}

function* casesOf(suite: Suite, path: string): Generator<[string, Case]> {
  for (const { original } of suite.tests ?? []) yield [`${path}/${original.name}`, original];
  for (const inner of suite.suites ?? []) yield* casesOf(inner, `${path}/${inner.name}`);
}

const GROUPS = ((CONFORMANCE as Suite).suites ?? []).filter(({ name }) => !APART.has(name));

describe('conditions mean what CEL says', () => {
  it.each(GROUPS.map((suite) => [suite.name, suite] as const))('%s', (name, suite) => {
    const wrong: Record<string, unknown> = {};
    let right = 0;
    for (const [path, test] of casesOf(suite, name)) {
      const outcome = outcomeOf(test);
      if (outcome === 'as specified') right += 1;
      if (typeof outcome !== 'string' && !BEYOND.has(path)) wrong[`${path}: ${test.expr}`] = outcome;
    }
    expect(wrong).toEqual({});
    expect(right).toBeGreaterThanOrEqual(AT_LEAST[name] ?? 0);
  });
});
