import { MAX_CELLS, MAX_ENV_COUNT, MAX_ENV_VALUE } from './bounds.js';
import { ByteReader, strictUtf8 } from './bytes.js';
import type { PtyRequest } from './types.js';

const TERM = /^[A-Za-z0-9._+-]{1,64}$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const ENV_VALUE = /^[^\u0000-\u001f\u007f]*$/;
const DEFAULT_COLS = 80;
const DEFAULT_ROWS = 24;
const MAX_PIXELS = 0xffff;

export function readPty(reader: ByteReader): PtyRequest {
  const term = reader.name();
  const size = readSize(reader);
  const modes = readModes(new ByteReader(reader.string()));
  reader.end();
  return { term: TERM.test(term) ? term : 'dumb', ...size, modes };
}

/** RFC 4254 8: modes from 160 on are not defined, so nothing can be read from the first of them on. */
const LAST_MODE = 159;

/** What follows a mode cut short is not read either: no client is turned away for its terminal's modes. */
function readModes(reader: ByteReader): PtyRequest['modes'] {
  const modes = new Map<number, number>();
  while (reader.left >= MODE_BYTES) {
    const mode = reader.byte();
    if (mode === 0 || mode > LAST_MODE) break;
    modes.set(mode, reader.uint32());
  }
  return [...modes];
}

const MODE_BYTES = 5;

export function readSize(reader: ByteReader): Omit<PtyRequest, 'term' | 'modes'> {
  return {
    cols: cells(reader.uint32(), DEFAULT_COLS),
    rows: cells(reader.uint32(), DEFAULT_ROWS),
    xpixel: Math.min(reader.uint32(), MAX_PIXELS),
    ypixel: Math.min(reader.uint32(), MAX_PIXELS),
  };
}

/** 0 is what programs without a terminal send (RFC 4254 6.2: to be ignored). */
function cells(asked: number, otherwise: number): number {
  return asked === 0 ? otherwise : Math.min(asked, MAX_CELLS);
}

/** Sets the variable in `env` when name and value are sound and the name allowed; says whether it did. */
export function takeEnv(reader: ByteReader, env: Record<string, string>, allow: (name: string) => boolean): boolean {
  const name = reader.name();
  const bytes = reader.string();
  reader.end();
  const value = bytes.length <= MAX_ENV_VALUE ? strictUtf8(bytes) : undefined;
  if (value === undefined || !ENV_NAME.test(name) || !ENV_VALUE.test(value)) return false;
  if (Object.keys(env).length >= MAX_ENV_COUNT && !(name in env)) return false;
  if (allow(name) !== true) return false;
  env[name] = value;
  return true;
}

export type Command = { ok: true; command: string } | { ok: false; why: string };

/**
 * A command must come out as the very bytes that went in, or the policy would decide about another command than the one
 * that runs: what is not UTF-8, and NUL, which no argument can hold, is refused.
 */
export function readCommand(bytes: Buffer): Command {
  const command = strictUtf8(bytes);
  if (command === undefined) return { ok: false, why: 'the command is not valid UTF-8; put such bytes in a file' };
  if (command.includes('\0')) return { ok: false, why: 'the command holds a NUL byte' };
  return { ok: true, command };
}
