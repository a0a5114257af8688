export { parseIn } from './dialects.js';
export { MAX_LINE_LENGTH, parseLine } from './parse-line.js';
export { plainWords } from './plain-words.js';
export { BASH, type LineResult, type ParsedCommand, type Syntax } from './types.js';
