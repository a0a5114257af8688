/** The shape of sallyport.yaml. Keys are as a person writes them; `load.ts` turns the result into a Config. */
import { z } from 'zod';
import { isLabelName, isRoleName, isTargetName, NAME_RULES } from '../core/names.js';
import { orNone, size, yesOrNo } from './amounts.js';
import { breakglass, SEAL_KEYS } from './breakglass.js';
import { context, FEED_KEYS } from './feeds.js';
import * as f from './fields.js';
import { HOOK_KEYS, hooks } from './hooks.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const labelTypes = z.record(
  z.string().refine(isLabelName, NAME_RULES.label),
  f.oneOf('string', 'int', 'double', 'bool'),
);

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** What a session needs to come up at all sets the least of each. */
const processLimits = {
  processes: orNone(f.count(8, 4_000_000)),
  memory: orNone(size(16 * MIB)),
  openFiles: orNone(f.count(32, 1_000_000_000)),
  cpu: orNone(f.duration(1000)),
  fileSize: orNone(size(64 * KIB)),
  core: orNone(size(0)),
  nice: f.count(0, 19),
};

const limitsOfSession = z.strictObject({
  processes: processLimits.processes.default(1024),
  memory: processLimits.memory.default(4 * GIB),
  openFiles: processLimits.openFiles.default(16_384),
  cpu: processLimits.cpu.default(4 * HOUR),
  fileSize: processLimits.fileSize.default(Number.POSITIVE_INFINITY),
  core: processLimits.core.default(0),
  nice: processLimits.nice.default(5),
});

const limitsOfRole = z.strictObject({
  processes: processLimits.processes.exactOptional(),
  memory: processLimits.memory.exactOptional(),
  openFiles: processLimits.openFiles.exactOptional(),
  cpu: processLimits.cpu.exactOptional(),
  fileSize: processLimits.fileSize.exactOptional(),
  core: processLimits.core.exactOptional(),
  nice: processLimits.nice.exactOptional(),
});

const roleLimits = z.strictObject({
  idle: f.duration(1000).exactOptional(),
  hard: f.duration(1000).exactOptional(),
  limits: limitsOfRole.exactOptional(),
  userNamespaces: yesOrNo.exactOptional(),
});

const session = z.strictObject({
  idle: f.duration(1000).default(15 * MINUTE),
  hard: f.duration(1000).default(8 * HOUR),
  warn: z
    .array(f.duration(1000))
    .max(10, 'holds at most 10 warnings')
    .default([5 * MINUTE, MINUTE]),
  recheck: f.duration(50).default(1000),
  drain: f.duration(0).default(30_000),
  limits: limitsOfSession.prefault({}),
  userNamespaces: yesOrNo.default(false),
  roles: z.record(z.string().refine(isRoleName, NAME_RULES.role), roleLimits).default({}),
});

const limits = z.strictObject({
  loginGrace: f.duration(1000).default(30_000),
  authTries: f.count(1, 100).default(6),
  sessionsPerUser: f.count(1, 100_000).default(20),
  channelsPerConnection: f.count(1, 10_000).default(10),
  connections: f.count(1, 100_000).default(2000),
  connectionsPerSource: f.count(1, 100_000).default(200),
  startups: f.count(1, 100_000).default(100),
});

const requests = z.strictObject({
  roles: f.rolesOrAll.default('*'),
  longest: f.duration(1000).default(8 * HOUR),
  expire: f.duration(1000).default(24 * HOUR),
  perUser: f.count(1, 1_000).default(10),
});

const approvals = z.strictObject({
  wait: f.duration(1000).default(10 * MINUTE),
  perUser: f.count(1, 100).default(10),
});

const labels = z.strictObject({
  user: labelTypes.default({}),
  target: labelTypes.default({ sensitivity: 'int' }),
  device: labelTypes.default({ managed: 'bool' }),
});

const account = z.strictObject({
  home: f.homeChoice.exactOptional(),
  shell: f.absolutePath.exactOptional(),
});

const isolation = z.unknown().transform((value, ctx) => {
  if (value === 'auto' || value === 'account' || value === 'sandbox') return value;
  const message =
    value === 'none'
      ? 'none is not offered yet: use auto, account or sandbox'
      : `${f.show(value)} is not one of auto, account, sandbox`;
  ctx.issues.push({ code: 'custom', message, input: value });
  return z.NEVER;
});

export const schema = z.strictObject({
  listen: f.address.default({ host: '127.0.0.1', port: 2222 }),
  doors: f.count(1, 64).default(1),
  doorAccount: f.accountName.default('auto'),
  isolation: isolation.default('auto'),
  session: session.prefault({}),
  timezone: f.timezone.default('UTC'),
  retention: f.duration(DAY, 3650 * DAY).default(400 * DAY),
  gate: f.oneOf('exec', 'line-only').default('exec'),
  admins: z.array(z.strictObject({ uid: f.count(0, 0xffff_fffe), user: f.userName })).default([]),
  labels: labels.prefault({}),
  targets: z
    .record(z.string().refine(isTargetName, NAME_RULES.target), z.record(z.string(), z.unknown()))
    .exactOptional(),
  limits: limits.prefault({}),
  requests: requests.prefault({}),
  approvals: approvals.prefault({}),
  breakglass,
  hide: z
    .array(f.absolutePath)
    .max(50, 'holds at most 50 directories')
    .default(['/var/lib/incus', '/var/lib/lxd', '/var/snap/lxd/common/lxd']),
  env: z.array(f.envPattern).default(['LANG', 'LANGUAGE', 'LC_*', 'TZ', 'COLORTERM', 'NO_COLOR']),
  accounts: z
    .record(
      z.string().refine((name) => f.accountName.safeParse(name).success, NAME_RULES.account),
      account,
    )
    .default({}),
  context: context.prefault({}),
  hooks,
});

export type Written = z.infer<typeof schema>;

/** The keys each part of the file knows, by the path of the part with `*` for names a person chooses. */
export const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(schema.shape),
  session: Object.keys(session.shape),
  'session.limits': Object.keys(limitsOfSession.shape),
  'session.roles.*': Object.keys(roleLimits.shape),
  'session.roles.*.limits': Object.keys(limitsOfRole.shape),
  'breakglass.*': SEAL_KEYS,
  'admins.*': ['uid', 'user'],
  labels: Object.keys(labels.shape),
  limits: Object.keys(limits.shape),
  requests: Object.keys(requests.shape),
  approvals: Object.keys(approvals.shape),
  'accounts.*': Object.keys(account.shape),
  context: Object.keys(context.shape),
  'context.feeds.*': FEED_KEYS,
  ...HOOK_KEYS,
};
