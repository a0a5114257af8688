import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIn } from '../../src/command/index.js';

const fish = (text: string) => parseIn(text, { shell: 'fish', comments: true, complete: true });
const words = (text: string) =>
  fish(text).commands.map((c) => c.words.map((w) => (w.dynamic ? `<${w.text}>` : w.text)).join(' '));

describe('every command of a fish line is found', () => {
  test.each([
    ['a b; c', ['a b', 'c']],
    ['a | b 2>| c &| d & e', ['a', 'b', 'c', 'd', 'e']],
    ['a && b; or c; and not d || ! e', ['a', 'b', 'c', 'd', 'e']],
    ['if a; b; else if c; d; else; e; end', ['a', 'b', 'c', 'd', 'e']],
    ['while a; b; end', ['a', 'b']],
    ['for i in x (a b) y; c $i; end', ['a b', 'c <$i>']],
    ['switch (a); case b c; d; end', ['a', 'd']],
    ['begin; a; end | b', ['a', 'b']],
    ['function a; b; end', ['b']],
    ['{ a; }; b', ['a', 'b']],
    ['echo "x $(a b) y" (c (d)) z$(e)', ['a b', 'd', 'c <(d)>', 'e', 'echo <x (a b) y> <(c (d))> <z(e)>']],
    ['X=1 Y=(a) b', ['a', 'b']],
    ['a > b 2>> c < d &> e >? f ^g', ['a ^g']],
    ['a 2>&1 >(b)', ['b', 'a']],
    ['command a; builtin b; exec c; command -v d', ['command a', 'a', 'builtin b', 'b', 'exec c', 'c', 'command -v d']],
    ['time a', ['a']],
    ["eval a 'b; c'", ['eval a b; c', 'a b', 'c']],
    ['a # ; b\nc', ['a', 'c']],
    ['a\\\nb \\\n c', ['ab c']],
    ['a&b; c &', ['a&b', 'c']],
    ['\'if\' a; "and"', ['if a', 'and']],
    ['a \'b\\\'c\\n\' "d\\"e\\n\\$" f\\ g\\;', ['a b\'c\\n d"e\\n$ f g;']],
    ['a $b * {c,d e} ~ \\x72m f?', ['a <$b> <*> <{c,d e}> <~> <x72m> <f?>']],
    ['a (b # )\n) c', ['b', 'a <(b # )\n)> c']],
    ['rm-x; --', ['rm-x', '--']],
  ])('%s', (line, expected) => {
    expect(words(line)).toEqual(expected);
  });

  test('with its text as it was typed', () => {
    expect(fish('if not  rm  -rf "x y"; end').commands[0]?.text).toBe('rm  -rf "x y"');
  });
});

test.each(['a (b', "a 'b", 'a "b', 'a )', 'a {b', 'rm x \\'])(
  '%s cannot be read, and is left to the exec gate',
  (line) => {
    expect(fish(line)).toEqual({ kind: 'ok', commands: [] });
  },
);

test('a line beyond the limits is refused, or left to the exec gate', () => {
  expect(fish('x'.repeat(70_000))).toMatchObject({ kind: 'bad', message: 'the line is longer than 64 KiB' });
  expect(fish('('.repeat(60) + ')'.repeat(60)).commands).toEqual([]);
  expect(fish('a;'.repeat(6_000)).commands).toEqual([]);
});

test('no text makes it throw or hang', () => {
  const piece = fc.constantFrom(...'rm ( ) { } " \' \\ ; \n < > # $ & | = 2 ^ if end eval for ~'.split(' '), ' ');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      expect(fish(pieces.join('')).kind).toBe('ok');
    }),
    { numRuns: 2_000 },
  );
  for (const c of '({\'"$\\#>') {
    const began = performance.now();
    fish(`a ${c}`.repeat(20_000));
    expect(performance.now() - began).toBeLessThan(2_000);
  }
});
