import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createScreen } from '../../src/session/screen.js';

const seen = (...chunks: string[]) => {
  const screen = createScreen(true);
  for (const chunk of chunks) screen.saw(Buffer.from(chunk));
  return screen;
};

it('our own lines stand on lines of their own', () => {
  expect(seen().lines('a').toString()).toBe('a\r\n');
  expect(seen('$ ').lines('a').toString()).toBe('\r\na\r\n$ ');
  expect(seen('$ ', '\r\n').lines('a', 'b').toString()).toBe('a\r\nb\r\n');
  expect(createScreen(false).lines('a', 'b').toString()).toBe('a\nb\n');
});
it('a prompt that a line pushes up is drawn again, with what was typed', () => {
  const prompt = '\x1b[?2004h\x1b]0;title\x07\x1b[01;32mme\x1b[0m:~$ ';
  expect(seen(`x\r\n${prompt}`, 'ls', '\b\x1b[K').lines('a').toString()).toBe(`\r\na\r\n${prompt}ls\b\x1b[K`);
  expect(seen(prompt, '\x07').lines('a').toString()).toBe(`\r\na\r\n${prompt}`);
});

it.each([
  ['a cursor put somewhere', '\x1b[3;4H> '],
  ['a scroll', '> \x1bM'],
  ['more than a line can be', 'x'.repeat(3_000)],
])('but nothing with %s is', (_what, text) => {
  expect(seen(text).lines('a').toString()).toBe('\r\na\r\n');
});

it('nothing is drawn again after the last words', () => {
  expect(seen('$ ').lastLine('a').toString()).toBe('\r\na\r\n');
});

it.each([
  ['1049', '\x1b[?1049h', '\x1b[?1049l'],
  ['47', '\x1b[?47h', '\x1b[?47l'],
  ['among other modes', '\x1b[?25;1049h', '\x1b[?1049;25l'],
  ['a reset', '\x1b[?1049h', '\x1bc'],
])('a full-screen program is known by %s, however its sequences are cut', (_what, on, off) => {
  for (let cut = 1; cut < on.length; cut += 1) {
    const screen = seen('line\r\n$ vi\r\n', on.slice(0, cut), `${on.slice(cut)}\x1b[2Jtext`);
    expect(screen.full).toBe(true);
    expect(screen.restore()).toContain('\x1b[?1049l');
    screen.saw(Buffer.from(`\x1b[30;1H${off}\x1b[?25h`));
    expect(screen.full).toBe(false);
    expect(screen.restore()).toBe('');
    // The cursor is back where it was: at the start of a line.
    if (off !== '\x1bc') expect(screen.lines('a').toString()).toBe('a\r\n');
  }
});

it('other modes are not taken for it', () => {
  expect(seen('\x1b[?25h\x1b[?2004h\x1b[?1047x').full).toBe(false);
});

it.each(['\x1b', '\x1b[', '\x1b[3', '\x1b]0;ti', '\x1b(', 'é'.slice(0, 1) && '\xc3'])(
  'output that stops at %j is not whole',
  (text) => {
    const screen = createScreen(true);
    screen.saw(Buffer.from(text, 'latin1'));
    expect(screen.whole).toBe(false);
  },
);

it.each([
  ['a title', '\x1b]0;', '\x07'],
  ['a link', '\x1b]8;;', '\x1b\\'],
  ['what is copied', '\x1b]52;c;', '\x1b\\'],
  ['a picture', '\x1bPq', '\x1b\\'],
])('%s that is long is not broken by words of ours, however it is cut', (_what, begin, end) => {
  for (const size of [50, 70, 3_000, 200_000]) {
    const text = begin + 'x'.repeat(size);
    const screen = seen('$ ', text.slice(0, 40), text.slice(40, 60), text.slice(60));
    expect(screen.whole).toBe(false);
    screen.saw(Buffer.from('yy'));
    expect(screen.whole).toBe(false);
    for (const byte of end) screen.saw(Buffer.from(byte));
    expect(screen.whole).toBe(true);
    screen.saw(Buffer.from('\x1b[?1049h'));
    expect(screen.full).toBe(true);
    expect(seen(`$ ${text}`).whole).toBe(false);
    expect(seen(`$ ${text}${end}`).whole).toBe(true);
    expect(seen(text, `z${end}\x1b[?1049`, 'hq').full).toBe(true);
  }
});

it('a long title that another sequence cuts off is over', () => {
  const screen = seen(`\x1b]0;${'x'.repeat(500)}`, '\x1b[?1049h');
  expect(screen.full).toBe(true);
  expect(screen.whole).toBe(true);
});

it('output that ends well is whole', () => {
  for (const text of ['x', 'é', '🙂', '\x1b[3m', '\x1b]0;t\x07', '\r\n']) expect(seen(text).whole).toBe(true);
});

it('words on the last row fit it and leave the cursor alone', () => {
  const text = seen('\x1b[?1049h')
    .lastRow(`a${'漢'.repeat(100)}`, 40, 24)
    .toString();
  expect(text).toMatch(/^\x1b7.*\x1b\[24;1H.*\x1b8$/);
  expect(text.match(/漢/g)?.length).toBeLessThan(20);
});

it('cutting output anywhere changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom(
          ...['\x1b[?1049h', '\x1b[?1049l', 'x', '\r\n', '\x1b[1m', 'é', '\x1b]0;t\x07'],
          ...[`\x1b]0;${'t'.repeat(90)}\x07`, `\x1b]8;;${'l'.repeat(90)}\x1b\\`],
        ),
      ),
      (parts) => {
        const whole = createScreen(true);
        const cut = createScreen(true);
        const bytes = Buffer.from(parts.join(''));
        whole.saw(bytes);
        for (const byte of bytes) cut.saw(Buffer.from([byte]));
        expect(cut.full).toBe(whole.full);
        expect(cut.whole).toBe(true);
        expect(cut.lines('a').toString()).toBe(whole.lines('a').toString());
      },
    ),
  );
});
