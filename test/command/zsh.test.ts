import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIn } from '../../src/command/index.js';

const zsh = (text: string, over = {}) => parseIn(text, { shell: 'zsh', comments: false, complete: true, ...over });
const names = (text: string, over = {}) => zsh(text, over).commands.map((c) => c.words.map((w) => w.text).join(' '));

describe('a zsh line', () => {
  test('that bash would read too gives its commands', () => {
    expect(names('a b; c && d | e $(f)')).toEqual(['a b', 'c', 'd', 'e $(f)', 'f']);
  });

  test('of zsh alone gives those that stand plainly beside', () => {
    expect(names('a; print =(x); b c &! d')).toEqual(['a', 'b c', 'd']);
    expect(names('for i (rm b) print $i; rm x')).toEqual(['rm x']);
    expect(names('() { rm x }')).toEqual([]);
    expect(names('print $(x) =(y ; z); "a;b" c\\;d')).toEqual(['a;b c;d']);
    expect(names('print =(N) 2>&1 >|x; b')).toEqual(['b']);
  });

  test('is not cut where that is unsafe', () => {
    expect(names('print =(N); cat <<E\nrm x\nE', { complete: false })).toEqual([]);
    expect(names('print =(N) # ; rm x', { comments: true })).toEqual([]);
    expect(names("print =(N) 'open ; rm x")).toEqual([]);
  });

  test('has comments only where zsh has', () => {
    expect(names('a # ; b', { comments: true })).toEqual(['a']);
    expect(names('a # ; b')).toEqual(['a #', 'b']);
    expect(names("a '#'")).toEqual(['a #']);
  });

  test('is looked into behind its modifiers', () => {
    expect(names('noglob command rm x')).toEqual(['noglob command rm x', 'command rm x', 'rm x']);
    expect(names('- rm x')).toEqual(['- rm x', 'rm x']);
  });

  test('goes on where both parsers say so, where a here-document is open, and after a backslash', () => {
    expect(zsh('if a', { complete: false }).kind).toBe('incomplete');
    expect(zsh('if (( a )) { b }').kind).toBe('ok');
    expect(zsh('cat <<E').kind).toBe('incomplete');
    expect(zsh('rm \\').kind).toBe('incomplete');
    expect(names('rm x \\\n')).toEqual(['rm x']);
  });

  test('is refused where it is beyond the limits', () => {
    expect(zsh('x'.repeat(70_000))).toMatchObject({ kind: 'bad', message: 'the line is longer than 64 KiB' });
  });

  test('of any text never throws', () => {
    const piece = fc.constantFrom(
      'rm',
      '(',
      ')',
      '{',
      '}',
      '"',
      "'",
      '\\',
      ';',
      '\n',
      '<<',
      '#',
      '$',
      '`',
      '&',
      '|',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece), fc.boolean(), fc.boolean(), (pieces, comments, complete) => {
        expect(zsh(pieces.join(''), { comments, complete }).kind).toMatch(/ok|bad|incomplete/);
      }),
    );
  });
});
