import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInputClassifier } from '../../src/session/idle-input.js';

const typing = (...chunks: string[]) => {
  const c = createInputClassifier();
  return chunks.map((chunk) => c.isTyping(Buffer.from(chunk, 'latin1')));
};

describe('what a person does keeps a session from being idle', () => {
  it.each([
    ['a letter', 'a'],
    ['Enter', '\r'],
    ['Escape alone', '\x1b'],
    ['an arrow key', '\x1b[A'],
    ['an application arrow key', '\x1bOA'],
    ['a function key', '\x1b[15~'],
    ['a modified key', '\x1b[1;5C'],
    ['Alt and a letter', '\x1bx'],
    ['a bracketed paste', '\x1b[200~ls\x1b[201~'],
    ['a mouse click', '\x1b[<0;10;20M'],
    ['a mouse release', '\x1b[<0;10;20m'],
    ['the wheel', '\x1b[<64;10;20M'],
    ['an X10 click', '\x1b[M !!'],
    ['F3, which looks almost like a cursor report', '\x1bOR'],
    ['a report and a letter', '\x1b[3;4Rx'],
  ])('%s counts', (_name, bytes) => {
    expect(typing(bytes)).toEqual([true]);
  });
});

describe('what a terminal sends by itself does not', () => {
  it.each([
    ['a cursor position', '\x1b[24;80R'],
    ['primary device attributes', '\x1b[?62;22c'],
    ['secondary device attributes', '\x1b[>41;354;0c'],
    ['a status report', '\x1b[0n'],
    ['a mode report', '\x1b[?2004;2$y'],
    ['focus in', '\x1b[I'],
    ['focus out', '\x1b[O'],
    ['mouse motion', '\x1b[<35;10;20M'],
    ['mouse motion with a button held', '\x1b[<32;10;20M'],
    ['X10 mouse motion', '\x1b[M@!!'],
    ['a colour answer', '\x1b]11;rgb:0000/0000/0000\x1b\\'],
    ['a colour answer ended by BEL', '\x1b]11;rgb:ffff/ffff/ffff\x07'],
    ['a DCS answer', '\x1bP1$r0m\x1b\\'],
    ['a window size', '\x1b[8;24;80t'],
    ['a kitty keyboard answer', '\x1b[?1u'],
    ['several at once', '\x1b[I\x1b[?62;22c\x1b]10;rgb:0/0/0\x07'],
    ['nothing', ''],
  ])('%s', (_name, bytes) => {
    expect(typing(bytes)).toEqual([false]);
  });

  it('also when a report arrives in pieces', () => {
    expect(typing('\x1b[24;', '80R')).toEqual([false, false]);
    expect(typing('\x1b]11;rgb:00', '00/0\x1b', '\\')).toEqual([false, false, false]);
  });
});

it('an endless report is typing in the end, and holds no more than a few KiB', () => {
  const c = createInputClassifier();
  const results = Array.from({ length: 3 }, (_, i) =>
    c.isTyping(Buffer.from(i === 0 ? `\x1b]${'x'.repeat(3000)}` : 'y'.repeat(3000))),
  );
  expect(results).toContain(true);
});

it('text without an escape always counts, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const c = createInputClassifier();
      for (const chunk of chunks) expect(typeof c.isTyping(Buffer.from(chunk))).toBe('boolean');
      c.isTyping(Buffer.from('\x07\x1b\\\x9c'));
      c.isTyping(Buffer.from('R'.repeat(10)));
      expect(c.isTyping(Buffer.from('hello'))).toBe(true);
    }),
  );
});
