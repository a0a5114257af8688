import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { doorToGuard, guardToDoor } from '../../src/wire/guard.js';
import { quickAsk, quickVerdict } from '../../src/wire/quick.js';

const words = fc.array(fc.string(), { maxLength: 4 });
const children = fc.constantFrom('checked', 'trusted', 'none');
const ask = fc.record(
  {
    type: fc.constant('ask'),
    q: fc.integer(),
    sid: fc.stringMatching(/^[0-9a-z]{1,40}$/),
    pid: fc.integer(),
    program: fc.record({ path: fc.string(), names: words, trustedNames: words }),
    argv: words,
    cut: fc.boolean(),
    parent: words,
    children,
    fromShell: fc.boolean(),
    image: fc.integer(),
    under: fc.integer(),
    hooks: words,
    part: fc.constantFrom('program', 'interpreter', 'loaded'),
    script: fc.record({ path: fc.string(), interpreter: fc.string() }),
  },
  {
    requiredKeys: [
      ...'type q sid pid image under program argv cut parent children fromShell hooks part'.split(' '),
    ] as never,
  },
);
const verdict = fc.record({ type: fc.constant('verdict'), q: fc.integer(), allow: fc.boolean(), children });

/** One field of a message, or of a part of it, replaced by anything or taken out. */
function spoil(message: object, pick: number, value: unknown): unknown {
  const copy = structuredClone(message) as Record<string, unknown>;
  const whole = Object.keys(copy);
  const inner = Object.values(copy).filter((v) => typeof v === 'object' && v !== null) as Record<string, unknown>[];
  const places = [copy, ...inner].flatMap((owner) => Object.keys(owner).map((key) => ({ owner, key })));
  const place = places[pick % places.length] ?? { owner: copy, key: whole[0] ?? '' };
  if (value === undefined) delete place.owner[place.key];
  else place.owner[place.key] = value;
  return JSON.parse(JSON.stringify(copy));
}

const cases: [string, fc.Arbitrary<object>, (m: unknown) => unknown, z.ZodType][] = [
  ['an ask', ask, quickAsk, guardToDoor],
  ['a verdict', verdict, quickVerdict, doorToGuard],
];

test.each(cases)('the quick check of %s takes every good one as the schema does', (_, good, quick, schema) => {
  fc.assert(
    fc.property(good, (message) => {
      const value = JSON.parse(JSON.stringify(message));
      expect(quick(value)).toEqual(schema.parse(value));
    }),
  );
});

test.each(cases)('the quick check of %s takes nothing the schema refuses', (_, good, quick, schema) => {
  const strange = fc.oneof(fc.constant(undefined), fc.jsonValue(), fc.double(), fc.constantFrom('launch', 'end', 1.5));
  fc.assert(
    fc.property(good, fc.nat(), strange, (message, pick, value) => {
      const spoilt = spoil(message, pick, value);
      const taken = quick(spoilt);
      if (taken !== undefined) expect(taken).toEqual(schema.parse(spoilt));
    }),
    { numRuns: 2_000 },
  );
  for (const value of [null, 1, 'ask', [], {}, { type: 'end', sid: 'a' }]) expect(quick(value)).toBeUndefined();
});

test.each(cases)('a field of %s that the quick check does not know is the schema`s to judge', (_, good, quick) => {
  fc.assert(
    fc.property(good, fc.nat(), (message, pick) => {
      const copy = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
      const parts = Object.values(copy).filter((v) => typeof v === 'object' && v !== null && !Array.isArray(v));
      const owner = [copy, ...(parts as Record<string, unknown>[])][pick % (parts.length + 1)] ?? copy;
      owner.unsteady = true;
      expect(quick(copy)).toBeUndefined();
    }),
  );
});
