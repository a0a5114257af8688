/** Events as lines of asciicast v2, ready to be written. A qualifier line (`e`, `b`, `d`) speaks of the next `o` or `m`: docs/recording-format.md. */
import type { Marker, RecordingHeader, StreamName } from './types.js';
import { type ByteString, byteString, type Decoded } from './utf8.js';

/** Microseconds since the start as the seconds of an event, e.g. `12.000345`. */
function seconds(us: number): string {
  const whole = Math.floor(us / 1_000_000);
  const rest = us - whole * 1_000_000;
  return `${whole}.${(1_000_000 + rest).toString().slice(1)}`;
}

export function outputLines(us: number, stream: StreamName, decoded: Decoded, chunk: Buffer): ByteString {
  const at = seconds(us);
  const shown = `[${at},"o",${JSON.stringify(decoded.text)}]\n`;
  if (decoded.exact && stream === 'out') return shown;
  const error = stream === 'err' ? `[${at},"e",""]\n` : '';
  const bytes = decoded.exact ? '' : `[${at},"b","${chunk.toString('base64')}"]\n`;
  return error + bytes + shown;
}

export function resizeLine(us: number, cols: number, rows: number): ByteString {
  return `[${seconds(us)},"r","${Math.trunc(cols)}x${Math.trunc(rows)}"]\n`;
}

export function markerLines(us: number, marker: Marker): ByteString {
  const at = seconds(us);
  const data = marker.data === undefined ? '' : `[${at},"d",${quote(wellFormed(JSON.stringify(marker.data)))}]\n`;
  return `${data}[${at},"m",${quote(marker.label)}]\n`;
}

/** A program that was let go: not a marker, since players stop at markers and a build runs thousands. */
export function programLine(us: number, text: string): ByteString {
  return `[${seconds(us)},"p",${quote(text)}]\n`;
}

export function headerLine(header: RecordingHeader): ByteString {
  const { width, height, startedAt, command, term, shell, title, ...rest } = header;
  const env = { ...(term === undefined ? {} : { TERM: term }), ...(shell === undefined ? {} : { SHELL: shell }) };
  const sallyport = { format: 1, ...rest, startedAt: new Date(startedAt).toISOString() };
  const line = {
    version: 2,
    width,
    height,
    timestamp: Math.floor(startedAt / 1000),
    ...(command === undefined ? {} : { command }),
    ...(title === undefined ? {} : { title }),
    env,
    sallyport,
  };
  return byteString(`${wellFormed(JSON.stringify(line))}\n`);
}

function quote(text: string): ByteString {
  return byteString(wellFormed(JSON.stringify(text)));
}

/** JSON.stringify writes a lone surrogate as `\udXXX`, which strict readers refuse: it becomes U+FFFD. */
function wellFormed(json: string): string {
  return json.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd');
}
