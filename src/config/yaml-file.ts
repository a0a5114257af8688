import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { messageOf, type Problem } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { ConfigError } from './load.js';
import { lineOf, type Source } from './problems.js';

/** Unit: characters. */
const MAX_SIZE = 4 << 20;

export interface YamlFile<T> {
  value: T;
  /** The line of the node at a path, or of its nearest ancestor; 1 when there is none. */
  lineAt(path: readonly PropertyKey[]): number;
}

/** Reads a YAML (or JSON) file of a given shape. Throws a ConfigError that names every problem with file and line. */
export function readYamlFile<T>(file: string, schema: z.ZodType<T>): YamlFile<T> {
  const lines = new LineCounter();
  const text = readText(file);
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const source: Source = { file, doc, lines };
  const [broken] = doc.errors;
  if (broken) throw problem(file, escapeText(broken.message), lines.linePos(broken.pos[0]).line);
  const result = schema.safeParse(plain(source));
  const lineAt = (path: readonly PropertyKey[]) => lineOf(source, path) ?? 1;
  if (result.success) return { value: result.data, lineAt };
  throw new ConfigError(
    result.error.issues.map((issue): Problem => {
      const where = issue.path.map(String).join('.');
      const message = escapeText(where === '' ? issue.message : `${where}: ${issue.message}`, 400);
      return { file, line: lineAt(issue.path), message, severity: 'error' };
    }),
  );
}

function plain({ doc, file }: Source): unknown {
  try {
    return doc.toJS({ maxAliasCount: 50 });
  } catch (error) {
    throw problem(file, escapeText(messageOf(error)));
  }
}

function readText(file: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    if (text.length <= MAX_SIZE) return text;
  } catch (error) {
    throw problem(file, error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${messageOf(error)}`);
  }
  throw problem(file, 'is larger than 4 MiB');
}

function problem(file: string, message: string, line?: number): ConfigError {
  return new ConfigError([{ file, message, severity: 'error', ...(line === undefined ? {} : { line }) }]);
}
