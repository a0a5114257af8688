/** A line longer than this is not drawn again: no prompt is. Bytes. */
const MAX_TAIL = 2_048;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const NOTHING = Buffer.alloc(0);

/**
 * What may be sent twice with the same effect, from the first column of an empty line on: text, backspaces and returns,
 * moves relative to the cursor, colours, erasing to the right, titles, modes. Anything else, and a line is not drawn again.
 */
const REPEATABLE =
  /^(?:[^\x00-\x06\x0b\x0c\x0e-\x1f\x7f]|\x1b\[[\d;]*[mKJPCDGX@]|\x1b\[\?[\d;]*[hl]|\x1b\[[\d;]*[hl]|\x1b[=>]|\x1b[()][0B]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x0f)*$/;
const INVISIBLE = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0B]|\x1b[=>]|[\x00-\x1f]/g;

/** Without the bells that end no title. */
const silenced = (text: string) => text.replace(/(\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))|\x07/g, '$1');

/** The line the cursor is on: everything since the last newline. */
export interface Tail {
  saw(bytes: Buffer): void;
  /** Another screen is on for a while; `comeBack` finds the cursor where it was. */
  leave(): void;
  comeBack(): void;
  /** What has to come before a line of our own, and after it, so that what stood there stands there again. */
  around(): { before: string; after: Buffer };
}

export function createTail(): Tail {
  /** Undefined: too long to be kept. */
  let tail: Buffer | undefined = NOTHING;
  let left: Buffer | undefined = NOTHING;
  let atStart = true;
  let leftAtStart = true;
  return {
    saw(bytes) {
      if (bytes.length === 0) return;
      const end = bytes.lastIndexOf(NEWLINE);
      if (end >= 0) tail = NOTHING;
      const rest = bytes.subarray(end + 1);
      const kept: Buffer | undefined = tail;
      if (kept === undefined || kept.length + rest.length > MAX_TAIL) tail = undefined;
      else if (rest.length > 0) tail = Buffer.concat([kept, rest]);
      const last = bytes[bytes.length - 1];
      atStart = last === NEWLINE || last === RETURN;
    },
    leave() {
      left = tail;
      leftAtStart = atStart;
      tail = NOTHING;
    },
    comeBack() {
      tail = left;
      atStart = leftAtStart;
    },
    around() {
      const text = tail?.toString('latin1');
      if (atStart || text === undefined || text.replace(INVISIBLE, '') === '')
        return { before: atStart || text !== undefined ? '' : '\r\n', after: NOTHING };
      return { before: '\r\n', after: REPEATABLE.test(text) ? Buffer.from(silenced(text), 'latin1') : NOTHING };
    },
  };
}
