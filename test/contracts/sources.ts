/** The source tree as the architecture tests see it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

export interface SourceFile {
  /** From src/, e.g. `core/clock.ts`. */
  path: string;
  room: string;
  text: string;
  /** Files in src/ it imports, as `path`; types count too. */
  imports: string[];
  /** Those of them that are there at run time. */
  loads: string[];
  /** Packages it imports; Node's own are left out. */
  packages: string[];
}

export function readSources(): SourceFile[] {
  const src = join(root, 'src');
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => readSource(src, path));
}

function readSource(src: string, path: string): SourceFile {
  const text = readFileSync(join(src, path), 'utf8');
  const code = withoutComments(text);
  const named = specifiers(code);
  const resolve = (names: string[]) =>
    names
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(src, normalize(join(src, dirname(path), name))).replace(/\.js$/, '.ts'));
  const imports = resolve(named);
  const loads = resolve(specifiers(code.replaceAll(TYPE_ONLY, '')));
  const packages = named.filter((name) => !name.startsWith('.') && !name.startsWith('node:')).map(packageOf);
  return { path, room: path.split('/')[0] ?? '', text, imports, loads, packages };
}

/** Whatever follows `from`, `import` or `require(`, as long as it is a literal. */
const SPECIFIER = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|\brequire(?:\.resolve)?\(\s*)(['"`])([@.\w][\w@.:/-]*)/g;

const specifiers = (text: string) => [...text.matchAll(SPECIFIER)].map((m) => m[2] ?? '');

const TYPE_ONLY = /\b(?:import|export)\s+type\b[^;]*?\bfrom\s+'[^']+'/g;

const packageOf = (name: string) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

/** Comments replaced by nothing, line breaks kept; strings that look like comments are cut as well, which is harmless here. */
export function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

/** A way round in a graph, first node repeated at its end; undefined when there is none. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle) return cycle;
  }
  return undefined;
}
