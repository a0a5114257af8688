import { createHash } from 'node:crypto';
import { closeFd } from '../../os/fd.js';
import { openPath, readHead, statFd } from '../../os/files.js';

/**
 * What tells one program from another whatever it is called: the build id its linker gave it, which stays when the file
 * is stripped or grows, else a digest of its size and beginning.
 */

/** A build id lies here in nearly every program. */
const NEAR = 4_096;
/** Scripts, and programs without a build id, are told apart by this much. */
const FAR = 65_536;
const near = Buffer.alloc(NEAR);
const far = Buffer.alloc(FAR);

const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;
const GNU = 0x0055_4e47;

/** `fd` may be an O_PATH one; `size` is the file's. Undefined when it may not be read, or only by waiting. */
export function printOf(fd: number, size: number): string | undefined {
  const got = readHead(fd, near);
  if (typeof got !== 'number') return undefined;
  const id = buildId(near.subarray(0, got));
  if (id !== undefined) return `id ${id}`;
  const more = readHead(fd, far);
  if (typeof more !== 'number') return undefined;
  return (
    idOf(buildId(far.subarray(0, more))) ?? `${size} ${createHash('sha1').update(far.subarray(0, more)).digest('hex')}`
  );
}

const idOf = (id: string | undefined): string | undefined => (id === undefined ? undefined : `id ${id}`);

/** The print of what a path of ours leads to now, magic links followed. */
export function printAt(path: string): string | undefined {
  const fd = openPath(path);
  if (fd < 0) return undefined;
  try {
    const stat = statFd(fd);
    return stat && printOf(fd, stat.size);
  } finally {
    closeFd(fd);
  }
}

/** The build id in the beginning of an ELF file, in hex; undefined where there is none in sight. */
export function buildId(head: Buffer): string | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f45_4c46 || head[5] !== 1) return undefined;
  const wide = head[4] === 2;
  const table = wide ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const [each, count] = [head.readUInt16LE(wide ? 54 : 42), head.readUInt16LE(wide ? 56 : 44)];
  for (let n = 0, at = table; n < count && at + 56 <= head.length && each > 0; n += 1, at += each) {
    if (head.readUInt32LE(at) !== PT_NOTE) continue;
    const from = wide ? Number(head.readBigUInt64LE(at + 8)) : head.readUInt32LE(at + 4);
    const size = wide ? Number(head.readBigUInt64LE(at + 32)) : head.readUInt32LE(at + 16);
    const align = wide && head.readUInt32LE(at + 48) === 8 ? 8 : 4;
    const id = noteIn(head.subarray(from, from + size), align);
    if (id !== undefined) return id;
  }
  return undefined;
}

function noteIn(notes: Buffer, align: number): string | undefined {
  const up = (n: number) => Math.ceil(n / align) * align;
  for (let at = 0; at + 16 <= notes.length; ) {
    const [name, size, type] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4), notes.readUInt32LE(at + 8)];
    const from = at + 12 + up(name);
    if (type === NT_GNU_BUILD_ID && name === 4 && notes.readUInt32LE(at + 12) === GNU && size > 0)
      return from + size <= notes.length ? notes.toString('hex', from, from + size) : undefined;
    at = from + up(size);
  }
  return undefined;
}
