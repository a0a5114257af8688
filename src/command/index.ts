export { MAX_LINE_LENGTH, parseLine } from './parse-line.js';
export type { LineResult, ParsedCommand } from './types.js';
