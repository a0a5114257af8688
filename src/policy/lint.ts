import type { Problem } from '../core/errors.js';
import { plainNetwork } from './cel/cidr.js';
import type { Row } from './types.js';

/** Rules that check but hardly mean what their author wanted; in pieces. */
export function* lintRows(rows: readonly Row[]): Generator<Problem[]> {
  const seen = new Map<string, Row>();
  const denied = new Map<string, Row>();
  for (const row of rows) if (row.effect === 'deny' && row.when === 'true') denied.set(placeOf(row), row);
  for (let from = 0; from < rows.length; from += PIECE) {
    yield rows.slice(from, from + PIECE).flatMap((row) => {
      const { file, line } = row;
      const message = lint(row, seen, denied);
      return message === undefined ? [] : [{ file, line, message, severity: 'warning' as const }];
    });
  }
}

/** Rows looked at in one go, which takes a few ms. */
const PIECE = 2_000;

function lint(row: Row, seen: Map<string, Row>, denied: Map<string, Row>): string | undefined {
  const key = [placeOf(row), row.when, row.effect, row.children].join('\n');
  const twin = seen.get(key);
  if (twin) return `${row.id} repeats ${twin.id} of line ${twin.line}; remove one`;
  seen.set(key, row);
  const network = looseNetwork(row);
  if (network !== undefined) return network;
  if (row.when === 'false') return `${row.id} can never match: its condition is false`;
  if (row.effect === 'deny') return undefined;
  const deny = denied.get(placeOf(row)) ?? denied.get(placeOf({ role: '*', target: '*', command: row.command }));
  if (deny) return `${row.id} never allows anything: ${deny.id} of line ${deny.line} denies the same`;
  if (row.command === '*' && row.children === 'trusted') {
    return `${row.id} allows every command and, by trusted, all that those start: only deny rules are left; checked is meant?`;
  }
  return lintAction(row);
}

/** Networks are literals in nearly every rule, and a condition without one costs a look. */
function looseNetwork({ id, when }: Row): string | undefined {
  if (!when.includes('cidr(')) return undefined;
  for (const [, net = ''] of when.matchAll(/['"](\d+\.\d+\.\d+\.\d+\/\d+)['"]/g)) {
    const plain = plainNetwork(net);
    if (plain !== undefined) return `${id}: ${net} is the whole of ${plain}; write that, or /32 for the one address`;
  }
  return undefined;
}

function lintAction({ id, command }: Row): string | undefined {
  const kind = /^@sftp:(.*)$/.exec(command)?.[1];
  if (kind === undefined || /[*{]/.test(kind) || kind === 'read' || kind === 'write') return undefined;
  return `${id} can never match: there is @sftp:read and @sftp:write`;
}

function placeOf({ role, target, command }: Pick<Row, 'role' | 'target' | 'command'>): string {
  return [role, target, command].join('\n');
}
