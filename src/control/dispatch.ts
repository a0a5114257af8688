import type { z } from 'zod';
import { SallyportError } from '../core/errors.js';
import { type AdminPort, type Caller, type Reply, VERBS, type Verb } from './admin-port.js';

/** Checks a request of unknown shape and runs it. Rejects with `usage` when the shape is wrong. */
export async function dispatch<V extends Verb>(
  port: AdminPort,
  verb: V,
  body: unknown,
  caller: Caller,
): Promise<Reply<V>> {
  const parsed = VERBS[verb].request.safeParse(body ?? {});
  if (!parsed.success)
    throw new SallyportError('usage', `${verb.replace('.', ' ')}: ${firstIssue(parsed.error, body)}`);
  // The schema of this verb has just said so; the compiler cannot follow a verb that is a variable.
  return (await port[verb](parsed.data as never, caller)) as Reply<V>;
}

/** Longest part of a wrong value that is said back. Unit: characters. */
const MAX_VALUE = 80;

function firstIssue(error: z.ZodError, body: unknown): string {
  const issue = error.issues[0];
  if (!issue) return 'malformed request';
  const value = issue.path.reduce<unknown>((whole, key) => (whole as Record<PropertyKey, unknown>)?.[key], body);
  if (typeof value === 'string' && issue.message.startsWith('is not'))
    return `${JSON.stringify(value.slice(0, MAX_VALUE))} ${issue.message}`;
  return issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message;
}
