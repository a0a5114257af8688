/** Recordings: written, found, read and played. Knows nothing of ssh or ptys. */

export { findRecording, findRecordings } from './find.js';
export { locate, recordingPath } from './layout.js';
export { splitLines } from './lines.js';
export { denialMarker, endedMarker, endMarker, heldMarker, lineMarker, markerMatches, noteMarker } from './markers.js';
export { rawBytes } from './raw.js';
export { exactBytes, readCast, readEnd } from './reader.js';
export { createRecorder } from './recorder.js';
export { replay } from './replay.js';
export { createTerminalFilter } from './terminal-filter.js';
export { castToText } from './text.js';
export * from './types.js';
