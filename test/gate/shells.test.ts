import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BASH } from '../../src/command/index.js';
import type { Message } from '../../src/gate/protocol.js';
import { createLineJudge, type LineEvent } from '../../src/gate/shells.js';
import type { LineVerdict } from '../../src/gate/types.js';

let ids = 0;
const ask = (text: string, counter: number, over: Partial<Extract<Message, { kind: 'line' }>> = {}): Message => ({
  kind: 'line',
  shell: '7',
  id: String(++ids),
  counter,
  fresh: false,
  cwd: '/',
  path: '/bin',
  text,
  syntax: BASH,
  ...over,
});

function judgeWith(decide?: (texts: string[]) => LineVerdict) {
  const events: LineEvent[] = [];
  const judge = createLineJudge({
    gate: 'exec',
    decide: (parsed) => {
      const texts = parsed.commands.map((c) => c.text);
      return decide?.(texts) ?? { allow: !texts.some((t) => t.includes('bad')), command: 'bad' };
    },
    onLine: (event) => events.push(event),
    onRefused: (event) => events.push(event),
  });
  return { judge, events, verb: (message: Message) => judge(message)?.verb };
}

describe('what a question means', () => {
  test('a new prompt, a new command', () => {
    const { verb, events } = judgeWith();
    expect([verb(ask('ls', 1)), verb(ask('bad', 2)), verb(ask('ls', 3))]).toEqual(['ok', 'no', 'ok']);
    expect(events.map((e) => e.text)).toEqual(['ls', 'bad', 'ls']);
  });

  test('the same prompt and something held back: its continuation', () => {
    const { verb, events } = judgeWith();
    expect([verb(ask('if x', 1)), verb(ask('then bad', 1)), verb(ask('fi', 1))]).toEqual(['more', 'more', 'no']);
    expect(events.map((e) => e.text)).toEqual(['if x\nthen bad\nfi']);
  });

  test('the same prompt and nothing held back: an answer to a running program', () => {
    const { verb, events } = judgeWith();
    expect([verb(ask('read -e x', 1)), verb(ask('bad', 1)), verb(ask('bad', 2))]).toEqual(['ok', 'ok', 'no']);
    expect(events).toHaveLength(2);
  });

  test('after a refusal, and when the shell cannot count, a command', () => {
    const { verb } = judgeWith();
    expect([verb(ask('bad', 1)), verb(ask('bad', 1))]).toEqual(['no', 'no']);
    expect([verb(ask('ls', 2)), verb(ask('bad', 2, { fresh: true }))]).toEqual(['ok', 'no']);
  });

  test('an abandoned beginning is forgotten', () => {
    const { verb, events } = judgeWith();
    expect([verb(ask("echo '", 1)), verb(ask('bad', 2))]).toEqual(['more', 'no']);
    expect(events.map((e) => e.text)).toEqual(['bad']);
  });

  test('of a paste that ends open, what is complete is decided before it runs', () => {
    const { verb } = judgeWith();
    expect(verb(ask('bad\nfor i in 1', 1))).toBe('no');
    expect([verb(ask('ls\nfor i in 1', 2)), verb(ask('do bad; done', 2))]).toEqual(['more', 'no']);
  });

  test('each shell has its own beginning', () => {
    const { verb } = judgeWith();
    expect(verb(ask("echo '", 1))).toBe('more');
    expect(verb(ask('bad', 1, { shell: '8' }))).toBe('no');
    expect(verb(ask("bad'", 1))).toBe('no');
  });

  test('a question asked again gets the same answer and is not counted again', () => {
    const { judge, events } = judgeWith();
    const again = ask('ls', 1);
    expect([judge(again), judge(again)]).toEqual([{ verb: 'ok' }, { verb: 'ok' }]);
    expect(events).toHaveLength(1);
  });

  test('a decision that throws is a refusal', () => {
    const { verb } = judgeWith(() => {
      throw new Error('no');
    });
    expect(verb(ask('ls', 1))).toBe('no');
  });

  test('a beginning that grows beyond the limit is refused', () => {
    const { verb } = judgeWith();
    expect(verb(ask("echo '", 1))).toBe('more');
    const part = 'x'.repeat(30_000);
    expect([1, 2, 3].map(() => verb(ask(part, 1)))).toEqual(['more', 'more', 'no']);
  });
});

describe('names the shell is asked about', () => {
  const pending: LineVerdict = { allow: false, command: 'ls', pendingNames: ['ls', 'a b'] };

  test('only the names asked about count, and only for their question', () => {
    const seen: (readonly string[] | undefined)[] = [];
    const judge = createLineJudge({
      gate: 'exec',
      decide: (_, { shellNames }) => {
        seen.push(shellNames === undefined ? undefined : [...shellNames]);
        return shellNames === undefined ? pending : { allow: shellNames.has('ls'), command: 'ls' };
      },
      onLine: () => {},
      onRefused: () => {},
    });
    const first = ask('ls', 1);
    expect(judge(first)).toEqual({ verb: 'types', names: ['ls'] });
    expect(judge({ kind: 'types', shell: '7', id: 'x', names: ['ls'] })).toBeUndefined();
    expect(judge({ kind: 'types', shell: '7', id: first.id, names: ['ls', 'rm'] })).toEqual({ verb: 'ok' });
    expect(seen).toEqual([undefined, ['ls']]);
  });
});

test('no sequence of questions makes it throw, or lets a bad line go as a new command', () => {
  const line = fc.constantFrom('ls', 'bad', "echo '", 'if x', 'then bad', 'fi', 'cat <<E', 'E', ')', 'ls\nbad');
  const question = fc.record({
    text: line,
    counter: fc.nat({ max: 4 }),
    fresh: fc.boolean(),
    shell: fc.constantFrom('7', '8'),
  });
  fc.assert(
    fc.property(fc.array(question, { maxLength: 12 }), (questions) => {
      const { judge } = judgeWith();
      questions.forEach(({ text, counter, fresh, shell }, i) => {
        const answer = judge(ask(text, counter + i * 10, { fresh, shell }));
        expect(answer?.verb).toBeDefined();
        if (text.endsWith('bad') && text !== 'then bad') expect(answer?.verb).toBe('no');
      });
    }),
  );
});
