import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { doorToGuard, guardToDoor } from '../../src/wire/guard.js';
import { quickAsk, quickVerdict } from '../../src/wire/quick.js';
import { createAskReader } from '../../src/wire/repeated.js';

const words = fc.array(fc.string(), { maxLength: 4 });
const children = fc.constantFrom('checked', 'trusted', 'none');
const ask = fc.record(
  {
    type: fc.constant('ask'),
    q: fc.integer(),
    sid: fc.stringMatching(/^[0-9a-z]{1,40}$/),
    pid: fc.integer(),
    program: fc.record(
      { path: fc.string(), names: words, trustedNames: words, same: words, unsteady: fc.constant(true) },
      { requiredKeys: ['path', 'names', 'trustedNames'] },
    ),
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
      owner.unheard = true;
      expect(quick(copy)).toBeUndefined();
    }),
  );
});

const numbersFirst = ({ type, q, pid, image, under, ...rest }: Record<string, unknown>) =>
  JSON.stringify({ type, q, pid, image, under, ...rest });

test('an ask that is asked again with other numbers is read as the schema reads it, each time', () => {
  const number = fc.integer({ min: -1e9, max: 1e9 });
  const numbers = fc.record({ q: number, pid: number, image: number, under: number });
  fc.assert(
    fc.property(fc.array(ask, { minLength: 1, maxLength: 3 }), fc.array(numbers, { minLength: 1 }), (asks, all) => {
      const read = createAskReader();
      for (const others of all)
        for (const message of asks) {
          const text = numbersFirst({ ...message, ...others });
          expect(read(text)).toEqual(guardToDoor.parse(JSON.parse(text)));
        }
    }),
  );
});

test('the reader of asks takes nothing the schema refuses, also after good ones', () => {
  fc.assert(
    fc.property(ask, fc.nat(), fc.jsonValue(), fc.boolean(), (message, pick, value, remove) => {
      const read = createAskReader();
      read(numbersFirst(message as never));
      const text = numbersFirst(spoil(message, pick, remove ? undefined : value) as never);
      const taken = read(text);
      if (taken !== undefined) expect(taken).toEqual(guardToDoor.parse(JSON.parse(text)));
    }),
  );
});

test('a field said twice is nothing to remember', () => {
  const message = { sid: 'a', program: { path: '/p', names: [], trustedNames: [] }, argv: [], cut: false, parent: [] };
  const rest = { ...message, children: 'checked', fromShell: true, hooks: [], part: 'program' };
  const text = (q: number) => numbersFirst({ type: 'ask', q, pid: 1, image: q, under: 0, ...rest });
  const read = createAskReader();
  expect(read(text(1))).toMatchObject({ q: 1 });
  expect(read(`${text(2).slice(0, -1)},"q":3}`)).toBeUndefined();
  expect(read(`${text(3).slice(0, -1)},"q":3}`)).toBeUndefined();
});
