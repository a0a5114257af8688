import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BASH } from '../../src/command/index.js';
import { QuestionCutter } from '../../src/gate/cutter.js';
import { ANSWER_SIZE, askable, formatAnswer, MAX_QUESTION, parseMessage } from '../../src/gate/protocol.js';

const escapeField = (field: string) => field.replaceAll('\u0001', '\u0001a').replaceAll('\n', '\u0001n');
const frame = (...fields: string[]) => Buffer.from(`${fields.map(escapeField).join('\0')}`);
const text = fc.string({ unit: 'binary', maxLength: 60 }).map((s) => Buffer.from(s.replaceAll('\0', '')).toString());
const number = fc.nat({ max: 1e9 }).map(String);

describe('questions', () => {
  test('every text arrives as it was typed', () => {
    fc.assert(
      fc.property(
        number,
        number,
        fc.nat(),
        fc.boolean(),
        text,
        text,
        text,
        (shell, id, counter, fresh, cwd, path, line) => {
          const bytes = frame('SP1', 'line', shell, id, String(counter), fresh ? '1' : '0', cwd, path, line);
          expect(bytes.includes(10)).toBe(false);
          expect(parseMessage(bytes)).toEqual({
            kind: 'line',
            shell,
            id,
            counter,
            fresh,
            cwd,
            path,
            text: line,
            syntax: BASH,
          });
        },
      ),
    );
  });

  test('a shell other than bash names itself, and what it says of the line', () => {
    const from = (named: string) => parseMessage(frame('SP1', 'line', '1', '2', '3', '0', '/', '', 'ls', named));
    expect(from('zsh expand complete')).toMatchObject({ syntax: { shell: 'zsh', comments: false, complete: true } });
    expect(from('fish')).toMatchObject({ syntax: { shell: 'fish' } });
    expect(from('csh')).toBeUndefined();
  });

  test('anything else is no question, and nothing throws', () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.oneof(fc.constantFrom('SP1', 'line', 'types', 'hello', '0', '1', '', '7'), text), { maxLength: 12 })
        .map((f) => frame(...f)),
    );
    fc.assert(
      fc.property(junk, (bytes) => {
        const message = parseMessage(bytes);
        if (message === undefined) return;
        expect(message.shell).toMatch(/^\d{1,15}$/);
        expect(message.id).toMatch(/^\d{1,15}$/);
      }),
      { numRuns: 2_000 },
    );
    expect(parseMessage(frame('SP1', 'line', '1', '2', '3', '2', '/', '', 'ls'))).toBeUndefined();
    expect(parseMessage(frame('SP1', 'line', '1', '2', '3', '0', '/', '', 'ls', 'more'))).toBeUndefined();
    expect(parseMessage(frame('SP1', 'line', '1', '2', '3', '0', '/', '', 'ls', 'zsh', 'more'))).toBeUndefined();
    expect(parseMessage(frame('SP1', 'line', '-1', '2', '3', '0', '/', '', 'ls'))).toBeUndefined();
    expect(parseMessage(frame('SP2', 'line', '1', '2', '3', '0', '/', '', 'ls'))).toBeUndefined();
  });
});

describe('the cutter', () => {
  const MAGIC = 'SP1\0';
  const piece = fc.oneof(
    fc.constantFrom('\n', 'SP1', MAGIC, 'S', 'P1\0', `x${MAGIC}`, `${MAGIC}a\n`, `\n${MAGIC}`),
    fc.string({ maxLength: 6 }),
  );

  test('gives the same questions however the bytes arrive, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.integer({ min: 1, max: 9 })), (pieces, cuts) => {
        const all = Buffer.from(pieces.join(''));
        const cutter = new QuestionCutter();
        const lines: Buffer[] = [];
        let at = 0;
        for (const n of [...cuts, all.length]) {
          lines.push(...cutter.push(all.subarray(at, at + n)));
          at += n;
        }
        const whole = all.toString('latin1').split('\n').slice(0, -1);
        expect(lines.map((l) => l.toString('latin1'))).toEqual(whole.filter((l) => l.startsWith(MAGIC)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('skips a line beyond the bound and goes on after it', () => {
    const cutter = new QuestionCutter();
    expect(cutter.push(Buffer.from(MAGIC))).toEqual([]);
    const big = Buffer.alloc(64 * 1024, 'x');
    for (let sent = 0; sent <= MAX_QUESTION * 2; sent += big.length) expect(cutter.push(big)).toEqual([]);
    expect(cutter.push(Buffer.from(`end\n${MAGIC}next\n`)).map(String)).toEqual([`${MAGIC}next`]);
  });
});

describe('answers', () => {
  test('have one length and are plain ASCII, whatever their text', () => {
    fc.assert(
      fc.property(number, number, fc.string({ unit: 'binary', maxLength: 2_000 }), (shell, id, refusal) => {
        const answer = formatAnswer(shell, id, { verb: 'no', text: refusal });
        expect(answer).toHaveLength(ANSWER_SIZE);
        expect(answer).toMatch(/^SP1 \d+\.\d+ no [ -~]*\t *\n$/);
      }),
    );
  });

  test('carry a text that printf %b gives back', () => {
    const answer = formatAnswer('1', '2', { verb: 'no', text: 'a\\n é…' });
    expect(answer.trimEnd()).toBe('SP1 1.2 no a\\x5cn \\xc3\\xa9\\xe2\\x80\\xa6');
  });

  test('ask only about names that fit and that printf leaves alone', () => {
    const names = fc.array(fc.oneof(text, fc.constantFrom('ls', 'a%b', 'a\\b', '-x', 'a b', 'é')), { maxLength: 60 });
    fc.assert(
      fc.property(names, (all) => {
        const asked = askable(all);
        for (const name of asked) expect(name).toMatch(/^[^-\s%\\][^\s%\\]*$/);
        const answer = formatAnswer('1', '2', { verb: 'types', names: asked });
        expect(answer).toHaveLength(ANSWER_SIZE);
        expect(answer.trimEnd().slice('SP1 1.2 types '.length)).toBe(asked.join(' '));
      }),
    );
  });
});
