/**
 * ssh2 takes packets of 35,000 bytes, the least that RFC 4253 6.1 demands, and has no setting for it; OpenSSH sends a
 * command in one packet and takes 256 KiB. The one file of ssh2 that holds the number is loaded with another in its place.
 */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname } from 'node:path';
import { SallyportError } from '../core/errors.js';
import { MAX_PACKET } from './bounds.js';

const FILE = 'ssh2/lib/protocol/crypto.js';
const LIMIT = 'const MAX_PACKET_SIZE = 35000;';

/** What Node's own loader does; not in its types. */
interface Loader extends NodeJS.Module {
  _compile(source: string, file: string): void;
}

/** Before any other part of ssh2 is loaded; afterwards of no effect. Throws SallyportError when the file is not the one that is known. */
export function raisePacketLimit(require: NodeJS.Require): void {
  const file = require.resolve(FILE);
  if (require.cache[file] !== undefined) return;
  const parts = readFileSync(file, 'utf8').split(LIMIT);
  if (parts.length !== 2) throw new SallyportError('failed', `${FILE} is not as published; run: npm ci`);
  const loaded = new Module(file) as Loader;
  loaded.filename = file;
  loaded.paths = require.resolve.paths(dirname(file)) ?? [];
  require.cache[file] = loaded;
  loaded._compile(parts.join(`const MAX_PACKET_SIZE = ${MAX_PACKET};`), file);
  loaded.loaded = true;
}

export interface NullDecipher {
  decrypt(data: Buffer, from: number, to: number): unknown;
}

/** Whether packets of MAX_PACKET are taken, and longer ones are not. */
export function takesLongPackets(Decipher: new (seqno: number, onPayload: () => void) => NullDecipher): boolean {
  return takes(Decipher, MAX_PACKET - 4) && !takes(Decipher, MAX_PACKET + 4);
}

function takes(Decipher: Parameters<typeof takesLongPackets>[0], length: number): boolean {
  const begins = Buffer.alloc(4);
  begins.writeUInt32BE(length);
  try {
    new Decipher(0, () => {}).decrypt(begins, 0, begins.length);
    return true;
  } catch {
    return false;
  }
}
