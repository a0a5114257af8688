/** Thrown at a message that is not what its type promises; the connection ends for it. */
export class Malformed extends Error {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of valid UTF-8, exactly; undefined where decoding would change or lose a byte. */
export function strictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads SSH's wire types (RFC 4251 5) off a buffer; every method throws Malformed past the end. Slices are views. */
export class ByteReader {
  #at: number;

  constructor(
    readonly bytes: Buffer,
    at = 0,
  ) {
    this.#at = at;
  }

  get left(): number {
    return this.bytes.length - this.#at;
  }

  byte(): number {
    return this.#take(1).readUInt8(0);
  }

  bool(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  /** For names, which are ASCII: other bytes come out as characters that match no name. */
  name(): string {
    return this.string().toString('latin1');
  }

  /** How far it has read. */
  get at(): number {
    return this.#at;
  }

  end(): void {
    if (this.left !== 0) throw new Malformed('trailing bytes');
  }

  #take(size: number): Buffer {
    if (size > this.left) throw new Malformed('too short');
    const from = this.#at;
    this.#at += size;
    return this.bytes.subarray(from, this.#at);
  }
}

type Field = Uint8Array | string | number | boolean;

/** One message: its type, then each field: a number is a uint32, text and bytes are strings, a boolean is a byte. */
export function message(type: number, ...fields: Field[]): Buffer {
  const parts: Uint8Array[] = [Uint8Array.of(type)];
  for (const field of fields) {
    if (typeof field === 'boolean') parts.push(Uint8Array.of(field ? 1 : 0));
    else if (typeof field === 'number') parts.push(uint32(field));
    else parts.push(...sshString(field));
  }
  return Buffer.concat(parts);
}

export function sshString(value: Uint8Array | string): [Buffer, Uint8Array] {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return [uint32(bytes.length), bytes];
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
