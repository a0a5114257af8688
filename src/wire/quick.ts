import type { Children } from '../policy/types.js';
import type { DoorToGuard, ExecAsk, GuardToDoor } from './guard.js';

/**
 * The two messages of every exec, checked by hand: what `guardToDoor` and `doorToGuard` say of them, at a tenth of the
 * cost. Undefined leaves the word to the schema: for any other message, for one that does not fit, and for one with a
 * field not named here, so that none is ever dropped unseen.
 */

type Fields = Readonly<Record<string, unknown>>;

export function quickVerdict(value: unknown): DoorToGuard | undefined {
  if (!isFields(value) || value.type !== 'verdict' || size(value) !== 4) return undefined;
  const { q, allow, children } = value;
  if (!isInt(q) || typeof allow !== 'boolean' || !isChildren(children)) return undefined;
  return { type: 'verdict', q, allow, children };
}

export function quickAsk(value: unknown): GuardToDoor | undefined {
  if (!isFields(value) || value.type !== 'ask') return undefined;
  if (size(value) !== (value.script === undefined ? 14 : 15)) return undefined;
  const { q, sid, pid, image, under, argv, cut, parent, children, fromShell, hooks, part } = value;
  const program = programOf(value.program);
  const script = scriptOf(value.script);
  if (
    !isInt(q) ||
    !isInt(pid) ||
    !isInt(image) ||
    !isInt(under) ||
    !isSid(sid) ||
    program === undefined ||
    script === undefined
  )
    return undefined;
  if (!isStrings(argv) || !isStrings(parent) || !isStrings(hooks) || !isChildren(children)) return undefined;
  if (typeof cut !== 'boolean' || typeof fromShell !== 'boolean' || !isPart(part)) return undefined;
  const known = { q, sid, pid, program, image, under, argv, cut, parent, children, fromShell, hooks, part };
  const ask = { type: 'ask', ...known } as const;
  return script === 'none' ? ask : { ...ask, script };
}

function programOf(value: unknown): ExecAsk['program'] | undefined {
  if (!isFields(value)) return undefined;
  const { path, names, trustedNames, same, unsteady } = value;
  if (size(value) !== 3 + (same === undefined ? 0 : 1) + (unsteady === undefined ? 0 : 1)) return undefined;
  if (typeof path !== 'string' || !isStrings(names) || !isStrings(trustedNames)) return undefined;
  if ((same !== undefined && !isStrings(same)) || (unsteady !== undefined && unsteady !== true)) return undefined;
  return { path, names, trustedNames, ...(same ? { same } : {}), ...(unsteady ? { unsteady } : {}) };
}

function scriptOf(value: unknown): NonNullable<ExecAsk['script']> | 'none' | undefined {
  if (value === undefined) return 'none';
  if (!isFields(value) || size(value) !== 2) return undefined;
  const { path, interpreter } = value;
  return typeof path === 'string' && typeof interpreter === 'string' ? { path, interpreter } : undefined;
}

const SID = /^[0-9a-z]{1,40}$/;

const size = (fields: Fields): number => Object.keys(fields).length;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isInt = (value: unknown): value is number => Number.isSafeInteger(value);
const isSid = (value: unknown): value is string => typeof value === 'string' && SID.test(value);
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const isChildren = (value: unknown): value is Children =>
  value === 'checked' || value === 'trusted' || value === 'none';
const isPart = (value: unknown): value is ExecAsk['part'] =>
  value === 'program' || value === 'interpreter' || value === 'loaded';
