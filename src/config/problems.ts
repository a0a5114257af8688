/** From zod's issues to lines in the file. */
import { type Document, isMap, isNode, isScalar, type LineCounter, type Node } from 'yaml';
import type { z } from 'zod';
import type { Problem } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { nearest } from '../core/names.js';
import { KNOWN_KEYS } from './schema.js';

type Path = readonly PropertyKey[];

export interface Source {
  file: string;
  doc: Document.Parsed;
  lines: LineCounter;
}

export function problemAt(source: Source, path: Path, message: string, key?: string): Problem {
  const line = lineOf(source, path, key);
  const where = [...path, ...(key === undefined ? [] : [key])].map(String).join('.');
  return {
    file: source.file,
    ...(line === undefined ? {} : { line }),
    message: escapeText(where === '' ? message : `${where}: ${message}`, 400),
    severity: 'error',
  };
}

/** Every problem in one issue: several unknown keys are several problems. */
export function problemsOf(source: Source, issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => problemAt(source, issue.path, unknownKey(issue.path, key), key));
  if (issue.code === 'invalid_key') return [problemAt(source, issue.path, issue.issues[0]?.message ?? issue.message)];
  if (issue.code === 'invalid_type') return [problemAt(source, issue.path, wrongType(issue.expected))];
  return [problemAt(source, issue.path, issue.message)];
}

function unknownKey(path: Path, key: string): string {
  const known = knownAt(path);
  const near = nearest(key, known);
  return near === undefined ? `unknown key: known here are ${known.join(', ')}` : `unknown key: did you mean ${near}?`;
}

function knownAt(path: Path): readonly string[] {
  const exact = path.map(String).join('.');
  const wild = path.map((part, i) => (i === chosenAt(path) ? '*' : String(part))).join('.');
  return KNOWN_KEYS[exact] ?? KNOWN_KEYS[wild] ?? [];
}

/** Where on the way there stands a name that a person chose, or the place in a list. */
const chosenAt = (path: Path): number => (path[0] === 'session' || path[0] === 'context' ? 2 : 1);

function wrongType(expected: string): string {
  const words: Record<string, string> = {
    object: 'a map of keys',
    record: 'a map of names',
    array: 'a list',
    string: 'text',
  };
  return `must be ${words[expected] ?? expected}`;
}

/** The line of the node at `path` (of the key `key` in it), or of its nearest ancestor that is there. */
export function lineOf(source: Source, path: Path, key?: string): number | undefined {
  const keyed = key === undefined ? path : [...path, key];
  for (let depth = keyed.length; depth > 0; depth--) {
    const node = nodeAt(source.doc, keyed.slice(0, depth));
    if (node?.range) return source.lines.linePos(node.range[0]).line;
  }
  return undefined;
}

/** The key node of a map's entry or the item of a list. */
function nodeAt(doc: Document.Parsed, path: Path): Node | undefined {
  const parent: unknown = path.length === 1 ? doc.contents : doc.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(last));
    return isNode(pair?.key) ? pair.key : undefined;
  }
  const item: unknown = doc.getIn(path, true);
  return isNode(item) ? item : undefined;
}
