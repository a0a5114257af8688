/** A backup: the store and keys of a home as one JSON text with a digest. It holds secret keys. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf, SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { parseStore } from './schema.js';
import type { StoreData } from './types.js';

/** Names below state/: what the broker itself makes. Neither absolute nor leading out. */
const PATH = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)?$/;

/** What is never part of a backup: the lock, traces of work under way, and the log, which only ever grows. */
const NEVER = /^(?:lock|audit\.log.*|store\.json\.bak|restore\.pending|live(?:\/.*)?|.*\.tmp)$/;

export const inBackup = (path: string): boolean => PATH.test(path) && !NEVER.test(path);

const file = z.strictObject({ path: z.string().refine(inBackup, 'not a name a backup may hold'), data: z.base64() });

const bundle = z.strictObject({
  kind: z.literal('sallyport-backup'),
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  files: z.array(file).max(10_000),
  /** SHA-256, in hex, of `contentOf` the rest. */
  sha256: z.string(),
});

export type Bundle = z.infer<typeof bundle>;
export type BundleFile = z.infer<typeof file>;

export function makeBundle(files: readonly BundleFile[], createdAt: string): string {
  const content = { kind: 'sallyport-backup' as const, format: 1 as const, createdAt, files: [...files] };
  return `${JSON.stringify({ ...content, sha256: digest(content) }, null, 1)}\n`;
}

/** Reads a backup and everything in it. Throws a SallyportError that names `from` and what is wrong. */
export function parseBundle(text: string, from: string): { bundle: Bundle; store: StoreData } {
  const fail = (why: string) => new SallyportError('failed', `${from}: ${why}; nothing was changed`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail('is not a sallyport backup, or only part of one');
  }
  const result = bundle.safeParse(value);
  if (!result.success) throw fail(`is not a sallyport backup: ${escapeText(describe(result.error), 200)}`);
  if (digest(result.data) !== result.data.sha256) throw fail('is damaged: its content does not match its digest');
  const names = new Set(result.data.files.map((f) => f.path));
  if (names.size !== result.data.files.length) throw fail('holds a file twice');
  const stored = result.data.files.find((f) => f.path === 'store.json');
  if (!stored) throw fail('holds no store.json');
  try {
    return { bundle: result.data, store: parseStore(Buffer.from(stored.data, 'base64').toString('utf8')) };
  } catch (error) {
    throw fail(`its store cannot be used: ${messageOf(error)}`);
  }
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`;
}

function digest(content: Omit<Bundle, 'sha256'>): string {
  const hash = createHash('sha256');
  // Each part is preceded by its length, so that no two contents hash the same text.
  for (const part of [
    content.kind,
    String(content.format),
    content.createdAt,
    ...content.files.flatMap((f) => [f.path, f.data]),
  ])
    hash.update(`${Buffer.byteLength(part)}:${part},`);
  return hash.digest('hex');
}
