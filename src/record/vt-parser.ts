/**
 * Splits terminal output into characters, controls and escape sequences, after the state machine every VT parser
 * shares (ECMA-48; vt100.net/emu/dec_ansi_parser). Control strings (OSC, DCS, APC, PM, SOS and screen's title) are
 * passed over without being kept, so that no input makes it hold more than MAX_SEQUENCE characters.
 */
export interface VtHandler {
  /** A run of characters that are not controls. */
  text(run: string): void;
  /** A C0 control other than ESC. */
  control(code: number): void;
  /** ESC, intermediates (U+0020 to U+002F), final. */
  escape(intermediates: string, final: string): void;
  /** ESC [, parameters (with a private prefix, if any), intermediates, final. */
  csi(params: string, intermediates: string, final: string): void;
}

export interface VtParser {
  /** Any split of the input into calls has the same effect. */
  push(text: string): void;
}

/** A longer sequence is dropped: longer than any real one, also than many colours in one SGR. */
const MAX_SEQUENCE = 256;
/** A control string that goes on for longer was never one, or hides what follows it: the rest is text again. */
const MAX_STRING = 1 << 20;

type State = 'ground' | 'escape' | 'csi' | 'csi-ignore' | 'string';

/** Printable: everything except C0, DEL and C1. */
const RUN = /[^\u0000-\u001f\u007f-\u009f]+/y;

export function createVtParser(handler: VtHandler): VtParser {
  let state: State = 'ground';
  let params = '';
  let intermediates = '';
  let stringLength = 0;

  const enter = (next: State) => {
    state = next;
    params = '';
    intermediates = '';
    stringLength = 0;
  };

  /** Controls act in the middle of a sequence too; CAN, SUB and ESC end it. */
  function control(code: number): void {
    if (code === 0x1b) enter('escape');
    else if (code === 0x18 || code === 0x1a) enter('ground');
    else if (state === 'string') inString(code);
    else if (code < 0x20) handler.control(code);
  }

  function inString(code: number): void {
    stringLength++;
    if (code === 0x07 || stringLength > MAX_STRING) enter('ground');
  }

  function inEscape(c: string): void {
    if (c >= ' ' && c <= '/') {
      intermediates += c;
      if (intermediates.length > MAX_SEQUENCE) enter('ground');
    } else if (intermediates === '' && c === '[') enter('csi');
    else if (intermediates === '' && ']PX^_k'.includes(c)) enter('string');
    else finish(() => handler.escape(intermediates, c), c >= '0' && c <= '~');
  }

  function inCsi(c: string): void {
    const parameter = c >= '0' && c <= '?';
    if (parameter && intermediates === '') params += c;
    else if (c >= ' ' && c <= '/') intermediates += c;
    else if (parameter) state = 'csi-ignore';
    else finish(() => handler.csi(params, intermediates, c), c >= '@' && c <= '~');
    if (params.length + intermediates.length > MAX_SEQUENCE) state = 'csi-ignore';
  }

  function finish(emit: () => void, complete: boolean): void {
    if (complete) emit();
    enter('ground');
  }

  function inIgnored(c: string): void {
    if (c >= '@') enter('ground');
  }

  /** One character that is no control, outside the ground state. */
  function step(c: string): void {
    if (state === 'escape') inEscape(c);
    else if (state === 'csi') inCsi(c);
    else inIgnored(c);
  }

  return {
    push(text) {
      for (let at = 0; at < text.length; ) {
        const code = text.charCodeAt(at);
        if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
          control(code);
          at++;
        } else if (state === 'ground' || state === 'string') {
          RUN.lastIndex = at;
          const run = RUN.exec(text)?.[0] ?? '';
          at += takeRun(run);
        } else {
          step(text.charAt(at));
          at++;
        }
      }
    },
  };

  /** How much of a run was used: a control string may end within it. */
  function takeRun(run: string): number {
    if (state === 'ground') {
      handler.text(run);
      return run.length;
    }
    const used = Math.min(run.length, MAX_STRING + 1 - stringLength);
    stringLength += used;
    if (stringLength > MAX_STRING) enter('ground');
    return used;
  }
}
