import { readFileSync } from 'node:fs';
import { machine } from './arch.js';
import { addressOf, libc, syscall } from './libc.js';

/** Reads another process's memory with process_vm_readv(2): many pieces, one call. */

const SYS_PROCESS_VM_READV = machine.calls.processVmReadv;
const PAGE = 4096;
/** IOV_MAX is 1024. */
const MAX_PIECES = 1000;

const remote = Buffer.alloc(MAX_PIECES * 16);
const remoteWords = new Uint32Array(remote.buffer, remote.byteOffset, MAX_PIECES * 4);
const local = Buffer.alloc(16);
const localWords = new Uint32Array(local.buffer, local.byteOffset, 4);
const remoteAddress = addressOf(remote);
const localAddress = addressOf(local);

const TWO32 = 0x1_0000_0000;

let pieces = 0;
let total = 0;

/** Starts a new batch. */
export function beginRead(): void {
  pieces = 0;
  total = 0;
}

/** Adds `size` bytes at `address` to the batch; false when the batch is full. */
export function addPiece(address: number, size: number): boolean {
  if (pieces === MAX_PIECES) return false;
  const at = pieces * 4;
  remoteWords[at] = address % TWO32;
  remoteWords[at + 1] = Math.floor(address / TWO32);
  remoteWords[at + 2] = size;
  remoteWords[at + 3] = 0;
  pieces += 1;
  total += size;
  return true;
}

/** Reads the batch, piece after piece, to `into`; false unless every byte came. */
export function readBatch(pid: number, intoAddress: number): boolean {
  if (pieces === 0) return true;
  localWords[0] = intoAddress % TWO32;
  localWords[1] = Math.floor(intoAddress / TWO32);
  localWords[2] = total;
  localWords[3] = 0;
  return syscall(SYS_PROCESS_VM_READV, pid, localAddress, 1, remoteAddress, pieces, 0) === total;
}

/** Bytes from `address` to the end of its page: what can be read without touching a page that may be missing. */
export const toPageEnd = (address: number): number => PAGE - (address % PAGE);

const single = Buffer.alloc(PAGE);
const singleAddress = addressOf(single);

/** Reads `size` (at most a page) bytes into a shared buffer, valid until the next call; undefined when unreadable. */
export function readSmall(pid: number, address: number, size: number): Buffer | undefined {
  beginRead();
  addPiece(address, size);
  return readBatch(pid, singleAddress) ? single : undefined;
}

/** Reads exactly `size` bytes into a new buffer; undefined when any page is missing. */
export function readBytes(pid: number, address: number, size: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafeSlow(size);
  beginRead();
  addPiece(address, size);
  return readBatch(pid, addressOf(bytes)) ? bytes : undefined;
}

/** Pages of address space below which the page tables are surely small: 32 GiB. */
const WIDE_PAGES = 8 * 1024 * 1024;
/** Page tables, KiB, that a change to all of a memory goes through in a quarter of a second: those of 32 GiB. */
const MAX_TABLES = 64 * 1024;
const O_CLOEXEC = 0o2000000;

/**
 * True when one call of a process, begun before, may keep its memory locked for longer than we can wait for it. Nobody can
 * make page tables so big while we look. False when the process is gone.
 */
export function isVast(pid: number): boolean {
  const fd = libc.open(`/proc/${pid}/statm`, O_CLOEXEC, 0);
  if (fd < 0) return false;
  const size = libc.read(fd, singleAddress, 20);
  libc.close(fd);
  if (Number.parseInt(single.toString('latin1', 0, Math.max(0, size)), 10) < WIDE_PAGES) return false;
  try {
    return Number(/^VmPTE:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) > MAX_TABLES;
  } catch {
    return false;
  }
}
