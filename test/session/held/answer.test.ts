import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnswerReader } from '../../../src/session/held/answer.js';

/** Everything that came of some chunks; what follows `done` is the programs', as the console has it. */
function read(chunks: readonly Buffer[], hidden = true) {
  const reader = createAnswerReader(hidden);
  let echo = '';
  let done: string | undefined;
  const programs: Buffer[] = [];
  for (const chunk of chunks) {
    if (done !== undefined) {
      programs.push(chunk);
      continue;
    }
    const fed = reader.feed(chunk);
    echo += fed.echo;
    done = fed.done;
    programs.push(fed.programs);
  }
  return { text: reader.text, shown: reader.shown, echo, done, programs: Buffer.concat(programs).toString('latin1') };
}
const of = (...texts: string[]) => read(texts.map((text) => Buffer.from(text)));
const cut = (bytes: Buffer, at: readonly number[]) => {
  const places = [...new Set(at.map((n) => n % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
};

/** What a person or their terminal may send: what of it is typed, and what of it is the programs'. */
const piece = fc.oneof(
  fc.stringMatching(/^[0-9 a-z-]$/).map((c) => ({ sent: c, typed: c, programs: '' })),
  fc.constantFrom('é', '漢', '😀', 'ß').map((c) => ({ sent: c, typed: c, programs: '' })),
  fc
    .constantFrom('\x1b[A', '\x1b[1;5C', '\x1bOP', '\x1b[3~', '\x1b', '\x1a', '\x1c', '\t', '\x0c', '\x1b[<0;3;4M')
    .map((sent) => ({ sent, typed: '', programs: '' })),
  fc
    .constantFrom(
      '\x1b[5;7R',
      '\x1b[?62;c',
      '\x1b[I',
      '\x1b[O',
      '\x1b]11;rgb:0/0/0\x07',
      '\x1bP1$r0m\x1b\\',
      '\x1b[<35;3;4M',
    )
    .map((sent) => ({ sent, typed: '', programs: sent })),
  fc.constantFrom('123 456', 'x\ty', '').map((text) => ({
    sent: `\x1b[200~${text}\x1b[201~`,
    typed: text.replaceAll('\t', ''),
    programs: '',
  })),
);

describe('an answer', () => {
  it('is what was typed up to Enter, whatever the terminal says in between; the rest is the programs’', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.constantFrom('\r', '\n'),
        fc.string({ maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (pieces, enter, after, cuts) => {
          // Escape before a letter that begins a sequence is one.
          const sent = Buffer.from(
            `${pieces.map((p) => (p.sent === '\x1b' ? '\x1b\x1a' : p.sent)).join('')}${enter}${after}`,
          );
          const result = read(cut(sent, cuts));
          expect(result.text).toBe(pieces.map((p) => p.typed).join(''));
          expect(result.programs).toBe(pieces.map((p) => p.programs).join('') + Buffer.from(after).toString('latin1'));
          expect(result.done).toBe('enter');
          expect(result.echo).toBe('*'.repeat([...result.text].length));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not depend on how any bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.boolean(),
        (bytes, cuts, hidden) => {
          const all = Buffer.from(bytes);
          expect(read(cut(all, cuts), hidden)).toEqual(read([all], hidden));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('can be erased by character, word and line, on the screen too', () => {
    expect(of('12\x7f3\x084\r')).toMatchObject({ text: '14', echo: '**\b \b*\b \b*' });
    expect(of('12\x154\r')).toMatchObject({ text: '4' });
    const reason = read([Buffer.from('hot fix\x17tweak\r')], false);
    expect(reason).toMatchObject({ text: 'hot tweak', shown: 'hot tweak' });
    expect(of('\x7f\x7f1\r')).toMatchObject({ text: '1', echo: '*' });
  });

  it('is withdrawn by Ctrl-C, and by Ctrl-D where nothing was typed', () => {
    expect(of('12\x03ls\r')).toMatchObject({ text: '', done: 'cancel', programs: 'ls\r' });
    expect(of('\x04ls')).toMatchObject({ done: 'cancel', programs: 'ls' });
    expect(of('1\x042\r')).toMatchObject({ text: '12', done: 'enter' });
    for (const open of ['\x1b', '\x1b[', '\x1b[1;', '\x1b]0;x', '\x1bP', '\x1bO', '\x1b[M', '\x1b[200~12'])
      expect(of(`${open}\x03`)).toMatchObject({ text: '', done: 'cancel' });
  });

  it('Enter ends what was begun and is no sequence', () => {
    for (const open of ['\x1b', '\x1b[', '\x1b[1;', '\x1b]0;x', '\x1bO'])
      expect(of(`123456${open}`, '\rls\r')).toMatchObject({ text: '123456', done: 'enter', programs: 'ls\r' });
  });

  it('of a paste its first line; what follows is a paste for the programs', () => {
    expect(of('\x1b[200~123456\x1b[20', '1~\r')).toMatchObject({ text: '123456', done: 'enter', programs: '' });
    expect(of('\x1b[200~123456\r\n\x1b[201~')).toMatchObject({ text: '123456', done: 'enter', programs: '' });
    expect(of('\x1b[200~12\nrm x\nls\x1b[201~y')).toMatchObject({
      text: '12',
      programs: '\x1b[200~rm x\nls\x1b[201~y',
    });
  });

  it('holds no more than it needs, of anything', () => {
    expect(of('1'.repeat(5_000), '\r').text).toHaveLength(200);
    expect(of(`\x1b]${'x'.repeat(10_000)}`, '\r')).toMatchObject({ done: 'enter' });
    expect(of(`\x1b[200~${'1'.repeat(100_000)}`, '\r')).toMatchObject({ done: 'enter' });
  });

  it('takes nothing that would garble the screen', () => {
    expect(read([Buffer.from('a\u0085b\u202ec\u200bd\r')], false)).toMatchObject({ text: 'abcd', echo: 'abcd' });
  });
});
