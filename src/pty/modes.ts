/**
 * The modes a client asks for (RFC 4254 section 8), put into Linux's termios: four words of flags (input, output, control,
 * local), the line discipline, then the special characters.
 */
import type { TerminalModes } from '../wire/pty.js';

const [INPUT, OUTPUT, CONTROL, LOCAL] = [0, 4, 8, 12];
const CHARACTERS = 17;
/** RFC 4254 8: no character at all, which for Linux is 0. */
const NO_CHARACTER = 255;

/** Places of special characters; VSTATUS, VFLUSH and VDSUSP (11, 15, 17) are other systems'. */
const CHARACTER_AT = new Map(
  Object.entries({
    ...{ 1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 11, 7: 16, 8: 8, 9: 9, 10: 10 },
    ...{ 12: 12, 13: 14, 14: 15, 16: 7, 18: 13 },
  }).map(([mode, place]) => [Number(mode), place]),
);

/** Where a mode's bits lie. CS7 and CS8 are two bits of the width of a character, which overlap. */
const FLAGS = new Map<number, readonly [word: number, bits: number]>([
  ...bits(INPUT, 30, [0o4, 0o10, 0o20, 0o40, 0o100, 0o200, 0o400, 0o1000, 0o2000, 0o4000, 0o10000, 0o20000, 0o40000]),
  ...bits(LOCAL, 50, [0o1, 0o2, 0o4, 0o10, 0o20, 0o40, 0o100, 0o200, 0o400, 0o100000, 0o1000, 0o4000, 0o40000]),
  ...bits(OUTPUT, 70, [0o1, 0o2, 0o4, 0o10, 0o20, 0o40]),
  ...bits(CONTROL, 90, [0o40, 0o60, 0o400, 0o1000]),
]);

function bits(word: number, from: number, all: readonly number[]): [number, readonly [number, number]][] {
  return all.map((one, i) => [from + i, [word, one]]);
}

const OUTPUT_SPEED = 129;
const SPEED_BITS = 0o10017;
/** Bits a second, by the code Linux has for them. 0 would hang the line up. */
const SPEEDS = new Map<number, number>([
  ...[50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400].map(
    (speed, i): [number, number] => [speed, i + 1],
  ),
  ...[57600, 115200, 230400].map((speed, i): [number, number] => [speed, 0o10001 + i]),
]);

/** Changes `termios` in place, one mode after the other as sshd does; what Linux does not have is passed over. */
export function applyModes(termios: Buffer, modes: TerminalModes): void {
  for (const [mode, value] of modes) applyMode(termios, mode, value);
}

function applyMode(termios: Buffer, mode: number, value: number): void {
  const character = CHARACTER_AT.get(mode);
  if (character !== undefined) termios[CHARACTERS + character] = value === NO_CHARACTER ? 0 : value & 0xff;
  const [word, set] = FLAGS.get(mode) ?? [];
  if (word !== undefined && set !== undefined) change(termios, word, set, value === 0 ? 0 : set);
  const speed = mode === OUTPUT_SPEED ? SPEEDS.get(value) : undefined;
  if (speed !== undefined) change(termios, CONTROL, SPEED_BITS, speed);
}

function change(termios: Buffer, word: number, mask: number, to: number): void {
  termios.writeUInt32LE(((termios.readUInt32LE(word) & ~mask) | to) >>> 0, word);
}
