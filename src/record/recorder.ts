import { headerLine, markerLines, outputLines, programLine, resizeLine } from './encode.js';
import { createFdWriter } from './fd-writer.js';
import { endMarker } from './markers.js';
import type {
  Marker,
  MarkerData,
  Recorder,
  RecorderLimits,
  RecorderOptions,
  StreamName,
  Trailer,
  Written,
} from './types.js';
import { type ByteString, createUtf8Stream } from './utf8.js';

const DEFAULT_LIMITS: RecorderLimits = {
  slowWriteMs: 5,
  stallMs: 30_000,
  maxQueuedBytes: 8 << 20,
  syncMs: 1_000,
};

/** A longer chunk becomes several events: a line of the file then stays under 2.5 MiB whatever the bytes. */
const MAX_CHUNK_BYTES = 256 * 1024;

/**
 * Starts a recording: the header is written before this returns. Should that fail already, `onFailure` has been called by
 * then and `failure` is set.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { fd, header, clock, onFailure } = options;
  const writer = createFdWriter({ fd, clock, limits: { ...DEFAULT_LIMITS, ...options.limits }, onFailure });
  const decoders = { out: createUtf8Stream(!header.pty), err: createUtf8Stream(!header.pty) };
  const startMono = clock.mono();
  let lastUs = 0;
  let closing: Promise<void> | undefined;

  /** Microseconds since the start; never less than before. */
  const elapsed = () => {
    lastUs = Math.max(lastUs, Math.round((clock.mono() - startMono) * 1000));
    return lastUs;
  };
  const put = (lines: ByteString): Written => (closing ? closedError() : writer.write(lines));
  const piece = (bytes: Buffer, stream: StreamName): Written =>
    put(outputLines(elapsed(), stream, decoders[stream].decode(bytes), bytes));

  writer.write(headerLine(header));

  return {
    get failure() {
      return writer.failure;
    },
    output(bytes, stream) {
      if (bytes.length === 0 && !writer.failure && !closing) return true;
      return bytes.length <= MAX_CHUNK_BYTES ? piece(bytes, stream) : inPieces(bytes, (part) => piece(part, stream));
    },
    resize: (cols, rows) => put(resizeLine(elapsed(), cols, rows)),
    marker: (marker: Marker | string, data?: MarkerData) => put(markerLines(elapsed(), asMarker(marker, data))),
    program: (text) => put(programLine(elapsed(), text)),
    close(trailer: Trailer) {
      closing ??= writer.finish(markerLines(elapsed(), endMarker(trailer)));
      return closing;
    },
  };
}

function asMarker(marker: Marker | string, data: MarkerData | undefined): Marker {
  if (typeof marker !== 'string') return marker;
  return data === undefined ? { label: marker } : { label: marker, data };
}

function inPieces(bytes: Buffer, put: (part: Buffer) => Written): Written {
  const waits: Promise<void>[] = [];
  for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
    const written = put(bytes.subarray(at, at + MAX_CHUNK_BYTES));
    if (written !== true) waits.push(written);
  }
  if (waits.length === 0) return true;
  const all = Promise.all(waits).then(() => undefined);
  all.catch(() => undefined);
  return all;
}

function closedError(): Promise<void> {
  const promise = Promise.reject(new Error('the recording is closed'));
  promise.catch(() => undefined);
  return promise;
}
