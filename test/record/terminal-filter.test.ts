import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTerminalFilter } from '../../src/record/index.js';

/** Written apart from the filter: the whole of what may ever come out. */
const ALLOWED = new RegExp(
  [
    '[^\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]',
    '[\\u0008-\\u000f]',
    '\\u001b[78DEM]',
    '\\u001b[()][0AB]',
    '\\u001b\\[\\d{0,4}(?:;\\d{0,4})?[ABCDEFGHILMPSXZ@`abdefr]',
    '\\u001b\\[\\d{0,4}T',
    '\\u001b\\[[0-2]?[JK]',
    '\\u001b\\[[\\d;:]*m',
    '\\u001b\\[[su]',
    '\\u001b\\[4[hl]',
    '\\u001b\\[\\?(?:5|6|7|12|25|45|47|1047|1048|1049)[hl]',
    '\\u001b\\[[0-6]? q',
    '\\u001b\\[!p',
  ].join('|'),
  'y',
);

function onlyAllowed(text: string): boolean {
  for (ALLOWED.lastIndex = 0; ALLOWED.lastIndex < text.length; ) if (!ALLOWED.test(text)) return false;
  return true;
}

function filtered(...parts: string[]): string {
  const filter = createTerminalFilter();
  return parts.map((part) => filter.push(part)).join('');
}

const ESC = '\u001b';
const piece = fc.oneof(
  fc.constantFrom(ESC, `${ESC}[`, `${ESC}]`, `${ESC}P`, `${ESC}_`, `${ESC}\\`, '\u0007', '\u009b', '\u009d', '\u0018'),
  fc.constantFrom(
    '?',
    '>',
    '=',
    '!',
    '$',
    ' ',
    '#',
    ';',
    ':',
    '"',
    "'",
    '(',
    ')',
    '%',
    '52;c;',
    '1049',
    '25',
    '6',
    '99999',
  ),
  fc.integer({ min: 0x40, max: 0x7e }).map((code) => String.fromCharCode(code)),
  fc.integer({ min: 0, max: 0xa0 }).map((code) => String.fromCharCode(code)),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.string({ unit: 'grapheme' }),
);
const output = fc.array(piece, { maxLength: 40 });

describe('terminal filter', () => {
  it('lets out nothing but what is on the list, whatever comes in', () => {
    fc.assert(
      fc.property(output, (parts) => {
        const filter = createTerminalFilter();
        const shown = parts.map((part) => filter.push(part)).join('');
        return onlyAllowed(shown) && onlyAllowed(filter.reset());
      }),
      { numRuns: 5_000 },
    );
  });

  it('does not care where the input is cut', () => {
    fc.assert(
      fc.property(output, (parts) => {
        const text = parts.join('');
        expect(filtered(...text.split(''))).toBe(filtered(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves nothing to do when it has done its work', () => {
    fc.assert(
      fc.property(output, (parts) => {
        const once = filtered(parts.join(''));
        expect(filtered(once)).toBe(once);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['colours', '\u001b[1;38;2;10;20;30;48:5:7mred\u001b[0m'],
    ['cursor movement', 'a\u001b[3A\u001b[10;20H\u001b[K\u001b[2J\u001b[5@\u001b[2P\u001b[3M'],
    ['the alternate screen and the cursor', '\u001b[?1049h\u001b[?25lvim\u001b[?25h\u001b[?1049l'],
    ['scroll regions', '\u001b[2;10r\u001b[S\u001bM\u001b[r'],
    ['line drawing', '\u001b(0lqqk\u001b(B\u000e\u000f'],
    ['text in any script', 'żółć 漢字 😀 👩‍👩‍👧 עברית\r\n\ttab\b'],
  ])('passes %s', (_name, text) => {
    expect(filtered(text)).toBe(text);
  });

  it.each([
    ['device attributes', '\u001b[c\u001b[>c\u001b[=c\u001bZ'],
    ['status reports', '\u001b[5n\u001b[6n\u001b[?6n\u001b[?15n'],
    ['mode queries', '\u001b[?2004$p\u001b[4$p'],
    ['setting queries', '\u001bP$qm\u001b\\'],
    ['terminfo queries', '\u001bP+q544e\u001b\\'],
    ['terminal parameters', '\u001b[x\u001b[1x'],
    ['colour queries', '\u001b]10;?\u0007\u001b]4;1;?\u001b\\'],
    ['the clipboard', '\u001b]52;c;cm0gLXJmIC8=\u0007'],
    ['titles', '\u001b]0;rm -rf\u0007\u001b]2;x\u001b\\\u001bktitle\u001b\\'],
    ['window operations', '\u001b[21t\u001b[3;0;0t\u001b[8;1;1t'],
    ['the answerback', '\u0005'],
    ['the bell', '\u0007'],
    ['printing', '\u001b[5i\u001b[4i\u001b[?5i'],
    ['kitty graphics', '\u001b_Gf=24,s=1,v=1;AAAA\u001b\\'],
    ['kitty keyboards', '\u001b[>1u\u001b[?u\u001b[=1;1u\u001b[<u'],
    ['iTerm2 files', '\u001b]1337;File=inline=1:AAAA\u0007'],
    ['notifications', '\u001b]9;hello\u0007\u001b]777;notify;a;b\u0007'],
    ['privacy and other strings', '\u001b^private\u001b\\\u001bXsos\u001b\\'],
    ['mouse and focus reports', '\u001b[?1000h\u001b[?1002;1003;1006h\u001b[?1004h\u001b[1;1;1;1;1T'],
    ['bracketed paste', '\u001b[?2004h\u001b[?2004l'],
    ['keyboard modes', '\u001b[?1h\u001b=\u001b>\u001b[>4;1m\u001b[2h\u001b[?66h'],
    ['synchronised updates', '\u001b[?2026h'],
    ['another encoding', '\u001b%@\u001b%G\u001b F\u001b G'],
    ['8-bit controls', '\u0090\u009b\u009c\u009d\u009e\u009f\u0085'],
    ['erasing the scrollback', '\u001b[3J'],
    ['tab stops', '\u001bH\u001b[3g'],
    ['huge numbers', '\u001b[99999999b\u001b[65536A'],
    ['sixel', '\u001bPq#0;2;0;0;0~\u001b\\\u001b[?1;1;0S'],
    ['tmux passthrough', '\u001bPtmux;\u001b\u001b]52;c;eA==\u0018'],
    ['sequences cut short', '\u001b[12\u0018\u001b[\u001a\u001b(\u0018'],
  ])('drops %s', (_name, text) => {
    expect(filtered(text)).toBe('');
  });

  it('keeps the text of a link', () => {
    expect(filtered('\u001b]8;;http://evil/\u001b\\click\u001b]8;;\u001b\\')).toBe('click');
  });

  it('keeps the harmless part of a list of modes', () => {
    expect(filtered('\u001b[?1000;1049;2004;25h')).toBe('\u001b[?1049h\u001b[?25h');
  });

  it('draws what a reset draws, without resetting the terminal', () => {
    const shown = filtered('\u001b[?1049h\u001bc');
    expect(shown).toContain('\u001b[?1049l');
    expect(shown).toMatch(/\[H\u001b\[2J$/);
  });

  it('acts on controls inside a sequence as a terminal does', () => {
    expect(filtered('\u001b[3\r\n1m')).toBe('\r\n\u001b[31m');
  });

  it('does not hide what follows a string that never ends', () => {
    const filter = createTerminalFilter();
    filter.push(`${ESC}]0;`);
    let shown = '';
    for (let i = 0; i < 40; i++) shown += filter.push('x'.repeat(64 * 1024));
    expect(shown.length).toBeGreaterThan(1_000_000);
  });

  it('holds little, whatever comes in', () => {
    expect(filtered(`${ESC}[${'1;'.repeat(1_000_000)}m`, 'after')).toBe('after');
    expect(filtered(`${ESC}${' '.repeat(1_000_000)}F`)).toBe(`${' '.repeat(1_000_000 - 257)}F`);
  });

  it('puts the terminal right wherever it was left', () => {
    const filter = createTerminalFilter();
    filter.push(
      '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[31m\u001b[2;5r\u001b(0\u001b[4h\u001b[3 q\u001b[?5h\u001b]52;c;',
    );
    const reset = filter.reset();
    for (const part of ['?1049l', '?25h', '?7h', '0m', '[r', '(B', '4l', '0 q', '?5l']) expect(reset).toContain(part);
    expect(filter.push('52;c;')).toBe('52;c;');
    expect(createTerminalFilter().reset()).not.toContain('1049');
  });
});
