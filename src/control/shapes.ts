/** Schemas of what admin requests and replies are made of. Times are ISO 8601 UTC strings; durations are ms. */
import { z } from 'zod';
import { END_CAUSES } from '../core/causes.js';

/** Longest texts an admin may send; all of them end up in the audit log or on a terminal. Unit: characters. */
const MAX_REASON = 500;
const MAX_PATTERN = 256;
const MAX_COMMAND = 65_536;

export const isoTime = z.iso.datetime();
export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,31}$/, 'is not a user name ([a-z0-9][a-z0-9._-]{0,31})');
export const targetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._/-]{0,63}$/, 'is not a target name ([a-z0-9][a-z0-9._/-]{0,63})');
export const targetPattern = z.string().min(1).max(MAX_PATTERN);
export const roleName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:/-]{0,63}$/, 'is not a role name (letters, digits and ._:/-, at most 64)');
export const accountName = z
  .string()
  .regex(/^[a-z_][a-z0-9._-]{0,31}$/, 'is not an account name ([a-z_][a-z0-9._-]{0,31})');
export const reason = z.string().trim().min(1, 'must say why').max(MAX_REASON);
/** A whole id or an unambiguous beginning of one. */
export const idPrefix = z.string().regex(/^[0-9a-z]{1,26}$/, 'is not an id');
export const keyFingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{1,43}$/, 'is not a key fingerprint (SHA256:…)');
/** One line of an OpenSSH public key file. */
export const publicKeyLine = z.string().min(1).max(16_384);
export const commandWords = z.array(z.string().max(MAX_COMMAND)).min(1).max(1024);

const cause = z.enum(END_CAUSES);
const factValue: z.ZodType<unknown> = z.json();
export const facts = z.record(z.string().max(100), factValue);

/** Subjects of one change of facts. */
export const MAX_SUBJECTS = 10_000;
/** Facts to set, by name; null unsets one. */
export const factChange = z
  .record(z.string().min(1).max(100), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .refine((facts) => Object.keys(facts).length > 0, 'names no fact')
  .refine((facts) => Object.keys(facts).length <= 100, 'names more than 100 facts');

export const feed = z.object({
  feed: z.string(),
  kind: z.string(),
  from: z.string(),
  gives: z.array(z.string()),
  state: z.enum(['waiting', 'fresh', 'kept', 'stale']),
  okAt: isoTime.optional(),
  ageMs: z.number().optional(),
  tookMs: z.number().optional(),
  error: z.string().optional(),
  errorAt: isoTime.optional(),
  refused: z.string().optional(),
  subjects: z.number(),
});

export const hook = z.object({
  hook: z.string(),
  kind: z.enum(['webhook', 'command', 'syslog']),
  to: z.string(),
  state: z.enum(['idle', 'ok', 'failing']),
  waiting: z.number(),
  delivered: z.number(),
  failed: z.number(),
  dropped: z.number(),
  okAt: isoTime.optional(),
  error: z.string().optional(),
  errorAt: isoTime.optional(),
});

/** One fact of one source; of a missing one only the name is known. */
export const factView = z.object({
  name: z.string(),
  value: factValue.optional(),
  /** `feed NAME`, `set by NAME`, `label`, …: for people. */
  source: z.string().optional(),
  /** User or key it was told of. */
  subject: z.string().optional(),
  at: isoTime.optional(),
  until: isoTime.optional(),
  /** `hidden`: another source is believed. `stale`: too old, kept for the grace its feed has. */
  state: z.enum(['in force', 'hidden', 'stale', 'missing']),
  note: z.string().optional(),
});

export const effect = z.object({
  id: z.string(),
  user: z.string(),
  outcome: z.enum(['ended', 'changed', 'unchanged']),
  cause: cause.optional(),
  programs: z.number().optional(),
});

export const problem = z.object({
  file: z.string(),
  line: z.number().optional(),
  message: z.string(),
  severity: z.enum(['error', 'warning']),
});

/** A rule that one policy has and the other has not. */
export const ruleChange = z.object({
  change: z.enum(['new', 'gone']),
  id: z.string(),
  effect: z.enum(['allow', 'deny']),
  command: z.string(),
  when: z.string(),
  children: z.string(),
  file: z.string(),
  line: z.number(),
});
export const ruleChanges = { gains: z.array(ruleChange), loses: z.array(ruleChange) };

export const key = z.object({
  fp: z.string(),
  type: z.string(),
  comment: z.string(),
  addedAt: isoTime,
  expiresAt: isoTime.optional(),
});

export const grant = z.object({
  id: z.string(),
  user: z.string(),
  role: z.string(),
  target: z.string(),
  from: isoTime,
  until: isoTime.optional(),
  reason: z.string(),
  by: z.string(),
  revokedAt: isoTime.optional(),
  /** The request it answers: `user` asked, `by` approved. */
  request: z.string().optional(),
});

/** A request of either kind; `role`, `forMs` and `reason` are of `access`, the rest of `command`. */
export const request = z.object({
  id: z.string(),
  kind: z.enum(['access', 'command']),
  user: z.string(),
  target: z.string(),
  at: isoTime,
  expiresAt: isoTime,
  state: z.enum(['waiting', 'approved', 'refused', 'expired', 'withdrawn']),
  by: z.string().optional(),
  decidedAt: isoTime.optional(),
  /** What the one who decided said, or what ended it. */
  why: z.string().optional(),
  role: z.string().optional(),
  forMs: z.number().optional(),
  reason: z.string().optional(),
  /** The grant that came of it. */
  grant: z.string().optional(),
  session: z.string().optional(),
  gate: z.enum(['line', 'exec']).optional(),
  /** All of it, escaped, or with `digest` its beginning and the SHA-256 of the exact words. */
  text: z.string().optional(),
  digest: z.string().optional(),
  rule: z.string().optional(),
});

export const user = z.object({
  name: z.string(),
  account: z.string().optional(),
  createdAt: isoTime,
  keys: z.array(key),
  labels: facts,
  /** By policy, transitive; roles from grants are in `grants`. */
  roles: z.array(z.string()),
  grants: z.array(grant),
  locked: z.boolean(),
  /** The second factor, where there is one. */
  mfa: z.object({ enrolledAt: isoTime, recoveryCodes: z.number() }).optional(),
});

export const lock = z.object({
  id: z.string(),
  kind: z.enum(['user', 'key', 'target', 'everyone']),
  subject: z.string().optional(),
  reason: z.string(),
  by: z.string(),
  from: isoTime,
  until: isoTime.optional(),
  liftedAt: isoTime.optional(),
});

export const session = z.object({
  id: z.string(),
  user: z.string(),
  account: z.string(),
  target: z.string(),
  kind: z.enum(['shell', 'exec']),
  source: z.string(),
  door: z.number(),
  startedAt: isoTime,
  lastInputAt: isoTime,
  idleAt: isoTime,
  deadlineAt: isoTime,
  deadlineCause: cause,
  recording: z.string(),
  commands: z.number(),
  denied: z.number(),
});

export const process = z.object({
  /** Numbers as the host sees them; `inner` as the session does. */
  pid: z.number(),
  ppid: z.number(),
  inner: z.number(),
  argv: z.array(z.string()),
  rule: z.string().optional(),
  why: z.enum(['rule', 'trusted', 'shell', 'unknown']),
  children: z.enum(['checked', 'trusted', 'none']),
  startedAt: isoTime,
});

export const holding = z.object({
  role: z.string(),
  target: z.string(),
  from: isoTime.optional(),
  until: isoTime.optional(),
  /** `policy` or a grant's id. */
  via: z.string(),
});

export const rule = z.object({
  id: z.string(),
  effect: z.enum(['allow', 'deny']),
  role: z.string(),
  target: z.string(),
  command: z.string(),
  when: z.string(),
  file: z.string(),
  line: z.number(),
});

export const door = z.object({
  door: z.number(),
  state: z.enum(['starting', 'up', 'down']),
  doorPid: z.number().optional(),
  guardPid: z.number().optional(),
  sessions: z.number(),
  connections: z.number(),
  startedAt: isoTime,
  restarts: z.number(),
});

/** `bytes` is what the log takes, `freeBytes` what is left where it lies, `little` that this is little; absent: it cannot be told. */
export const auditHealth = z.object({
  healthy: z.boolean(),
  bytes: z.number().optional(),
  freeBytes: z.number().optional(),
  little: z.boolean().optional(),
});
