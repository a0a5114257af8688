import type { Environment } from '@marcbachmann/cel-js';

export type Ast = ReturnType<Environment['parse']>['ast'];

/** Calls `visit` for every node, parents first. */
export function walk(node: Ast, visit: (node: Ast) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

function childrenOf(node: Ast): Ast[] {
  return collect(node.args, []);
}

/** Operands lie in nested arrays, between names and literals. */
function collect(args: unknown, into: Ast[]): Ast[] {
  if (Array.isArray(args)) for (const arg of args) collect(arg, into);
  else if (isNode(args)) into.push(args);
  return into;
}

function isNode(value: unknown): value is Ast {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value && 'pos' in value;
}

/** `object.field` of a plain name, as `['time', 'hour']`. */
export function fieldOf(node: Ast): [string, string] | undefined {
  if (node.op !== '.') return undefined;
  const [object, field] = node.args;
  return object.op === 'id' ? [object.args, field] : undefined;
}

/** The string literal a one-argument call of `name` is given: `15m` of `duration('15m')`. */
export function literalArgument(node: Ast, name: string): string | undefined {
  if (node.op !== 'call' || node.args[0] !== name) return undefined;
  return stringOf(node.args[1][0]);
}

export function stringOf(node: Ast | undefined): string | undefined {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined;
}
