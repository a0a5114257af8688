import { expect, it } from 'vitest';
import { createScreen } from '../../src/session/screen.js';
import { createVoice } from '../../src/session/voice.js';
import { FakeClock } from '../helpers/fake-clock.js';

const ON = '\x1b[?1049h';
const OFF = '\x1b[?1049l';

function scene() {
  const clock = new FakeClock();
  const screen = createScreen(true);
  const sent: string[] = [];
  const redrawn: object[] = [];
  const voice = createVoice({
    clock,
    screen,
    size: { cols: 80, rows: 24 },
    send(bytes) {
      sent.push(bytes.toString());
      screen.saw(bytes);
      voice.shown();
    },
    redraw: (size) => void redrawn.push(size),
  });
  const program = (text: string) => {
    screen.saw(Buffer.from(text));
    voice.shown();
  };
  return { clock, sent, redrawn, voice, program };
}

it('a refusal in a full-screen program waits until it is left', () => {
  const { sent, voice, program } = scene();
  program(`$ vi\r\n${ON}\x1b[H~`);
  voice.tell('one');
  voice.tell('two', 'three');
  program('more of it');
  expect(sent).toEqual([]);
  program(`\x1b[24;1H${OFF}`);
  expect(sent).toEqual(['one\r\ntwo\r\nthree\r\n']);
});

it('in one that is not left it comes up on the last row, which the program is asked to draw again later', () => {
  const { clock, sent, redrawn, voice, program } = scene();
  program(ON);
  voice.tell('one');
  voice.tell('two');
  clock.advance(5_000);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatch(/^\x1b7.*\x1b\[24;1H.*\(1 before it\) two.*\x1b8$/);
  expect(redrawn).toEqual([]);
  clock.advance(60_000);
  expect(redrawn).toEqual([{ cols: 80, rows: 24 }]);
  expect(sent).toHaveLength(1);
  program(OFF);
  expect(sent.at(-1)).toBe('one\r\ntwo\r\n');
});

it('a warning comes up on the last row at once, and is not repeated', () => {
  const { sent, voice, program } = scene();
  program(ON);
  voice.say('closes in 1m');
  expect(sent[0]).toMatch(/\x1b\[24;1H.*closes in 1m.*\x1b8$/);
  program(OFF);
  expect(sent).toHaveLength(1);
});

it('what is kept for the end of a full-screen program is bounded, and says so', () => {
  const { sent, voice, program } = scene();
  program(ON);
  for (let i = 0; i < 500; i += 1) voice.tell(`r${i}`);
  program(OFF);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.split('\r\n')).toHaveLength(22);
  expect(sent[0]).toContain('and 480 more such lines');
});

it('nothing of ours comes in the middle of a sequence, unless it never ends', () => {
  const { clock, sent, voice, program } = scene();
  program('a\r\n\x1b[3');
  voice.tell('one');
  expect(sent).toEqual([]);
  program('1mred');
  expect(sent).toEqual(['\r\none\r\n\x1b[31mred']);
  program('\r\n\x1b[');
  voice.say('two');
  clock.advance(1_000);
  expect(sent.at(-1)).toBe('two\r\n');
});

it('at the end everything held is shown', () => {
  const { clock, sent, voice, program } = scene();
  program(ON);
  voice.tell('one');
  voice.flush();
  expect(sent.join('')).toContain('one');
  expect(clock.pending()).toBe(0);
});
