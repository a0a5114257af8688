/**
 * Every admin verb: its name (`@admin:<verb>` in policy, `POST /v1/<verb>` on the control socket), what it is asked
 * and what it answers. The same port serves the CLI through the socket and, with the broker down, in its own process.
 */
import { z } from 'zod';
import * as s from './shapes.js';

const nothing = z.strictObject({});

/** What one who may not see everything sees: their own. */
const ownStatus = z.object({
  user: s.userName,
  version: z.string(),
  startedAt: s.isoTime.optional(),
  uptimeMs: z.number().optional(),
  gate: z.string().optional(),
  locked: z.boolean(),
  grants: z.number(),
  /** How many of theirs wait. */
  requests: z.number(),
  sessions: z.array(s.session),
});

/** A beginning and an end, both optional, given as a length or as a moment, never both. */
const span = {
  forMs: z.number().int().positive().optional(),
  until: s.isoTime.optional(),
};

/**
 * `offline`: works in the CLI's own process when no broker holds the home. `self`: who has a user's name may ask it for
 * that user without a rule of policy; a deny rule still refuses. `local`: never asked from a session, because what is
 * answered is secret and a session is recorded.
 */
export const VERBS = {
  status: {
    offline: false,
    self: true,
    request: nothing,
    reply: z.union([
      ownStatus,
      z.object({
        version: z.string(),
        running: z.boolean(),
        pid: z.number().optional(),
        startedAt: s.isoTime.optional(),
        uptimeMs: z.number().optional(),
        home: z.string(),
        listen: z.string().optional(),
        isolation: z.string().optional(),
        limits: z.string().optional(),
        gate: z.string().optional(),
        doors: z.array(s.door),
        sessions: z.number(),
        authorityVersion: z.number(),
        policy: z.object({ digest: z.string(), rules: z.number(), loadedAt: s.isoTime.optional() }),
        store: z.object({
          healthy: z.boolean(),
          detail: z.string().optional(),
          users: z.number(),
          grants: z.number(),
          locks: z.number(),
        }),
        audit: s.auditHealth,
        feeds: z.array(s.feed),
        hooks: z.array(s.hook),
        /** How many wait. */
        requests: z.object({ access: z.number(), command: z.number() }),
      }),
    ]),
  },
  whoami: {
    offline: true,
    self: true,
    request: nothing,
    reply: z.object({
      name: z.string(),
      uid: z.number(),
      by: z.enum(['root', 'owner', 'policy', 'self', 'broker']),
      user: s.userName.optional(),
      account: z.string().optional(),
      locked: z.boolean().optional(),
      mfa: z.boolean().optional(),
      roles: z.array(s.holding.extend({ reason: z.string().optional(), by: z.string().optional() })).optional(),
      facts: z.array(s.factView).optional(),
      /** The one it is asked from. */
      session: s.session.optional(),
      gate: z.string().optional(),
      idleMs: z.number().optional(),
    }),
  },
  breakglass: {
    offline: false,
    self: true,
    /** Without a name nothing is opened: `seals` are those that could be. */
    request: z.strictObject({ name: z.string().max(64).optional(), reason: s.reason.optional() }),
    reply: z.object({
      seals: z.array(
        z.object({ name: z.string(), for: z.string(), role: z.string(), target: z.string(), lengthMs: z.number() }),
      ),
      grant: s.grant.optional(),
      effects: z.array(s.effect),
      warning: z.string().optional(),
    }),
  },
  'user.add': {
    offline: true,
    request: z.strictObject({
      name: s.userName,
      keys: z.array(s.publicKeyLine).max(100),
      account: s.accountName.optional(),
      roles: z.array(s.roleName).max(100),
      reason: s.reason.optional(),
    }),
    reply: z.object({ user: s.user, effects: z.array(s.effect) }),
  },
  'user.list': { offline: true, request: nothing, reply: z.object({ users: z.array(s.user) }) },
  'user.show': { offline: true, request: z.strictObject({ name: s.userName }), reply: z.object({ user: s.user }) },
  'user.remove': {
    offline: true,
    request: z.strictObject({ name: s.userName, reason: s.reason.optional() }),
    reply: z.object({ name: z.string(), effects: z.array(s.effect) }),
  },
  'user.key-add': {
    offline: true,
    request: z.strictObject({ name: s.userName, key: s.publicKeyLine, ...span }),
    reply: z.object({ name: z.string(), key: s.key, effects: z.array(s.effect) }),
  },
  'user.key-remove': {
    offline: true,
    request: z.strictObject({ name: s.userName, fp: s.keyFingerprint }),
    reply: z.object({ name: z.string(), fp: z.string(), effects: z.array(s.effect) }),
  },
  'user.label': {
    offline: true,
    /** null takes a label away. */
    request: z.strictObject({ name: s.userName, labels: s.factChange }),
    reply: z.object({ user: s.user, effects: z.array(s.effect) }),
  },
  'context.set': {
    offline: true,
    /** All of it is one change: a live session is decided anew once. */
    request: z.strictObject({
      changes: z
        .array(z.strictObject({ subject: z.union([s.userName, s.keyFingerprint]), facts: s.factChange }))
        .min(1)
        .max(s.MAX_SUBJECTS),
      ...span,
    }),
    reply: z.object({ until: s.isoTime.optional(), effects: z.array(s.effect) }),
  },
  'context.push': {
    offline: false,
    /** What a feed of kind push tells now; `whole`: and of nobody else. An empty one says that nothing changed. */
    request: z.strictObject({
      feed: z.string().max(64),
      subjects: z.array(z.tuple([z.union([s.userName, s.keyFingerprint]), s.facts])).max(s.MAX_SUBJECTS),
      whole: z.boolean(),
    }),
    reply: z.object({ effects: z.array(s.effect), refused: z.string().optional() }),
  },
  'context.show': {
    offline: true,
    /** A user, or a live session's id or the beginning of one. */
    request: z.strictObject({ of: z.union([s.userName, s.idPrefix]) }),
    reply: z.object({ user: z.string(), session: z.string().optional(), facts: z.array(s.factView) }),
  },
  'user.mfa-enroll': {
    offline: true,
    local: true,
    request: z.strictObject({ name: s.userName, reason: s.reason.optional() }),
    /** `uri` holds the secret, and the codes are good as they are: neither is ever told again. */
    reply: z.object({
      name: z.string(),
      uri: z.string(),
      recoveryCodes: z.array(z.string()),
      effects: z.array(s.effect),
    }),
  },
  'user.mfa-remove': {
    offline: true,
    request: z.strictObject({ name: s.userName, reason: s.reason.optional() }),
    reply: z.object({ name: z.string(), effects: z.array(s.effect) }),
  },
  grant: {
    offline: true,
    request: z.strictObject({
      user: s.userName,
      role: s.roleName,
      target: s.targetPattern,
      from: s.isoTime.optional(),
      ...span,
      reason: s.reason,
    }),
    reply: z.object({ grant: s.grant, effects: z.array(s.effect), warning: z.string().optional() }),
  },
  revoke: {
    offline: true,
    request: z.strictObject({
      /** A user, or a grant's id or the beginning of one. */
      subject: z.union([s.userName, s.idPrefix]),
      role: s.roleName.optional(),
      target: s.targetPattern.optional(),
      reason: s.reason.optional(),
    }),
    reply: z.object({ grants: z.array(s.grant), effects: z.array(s.effect) }),
  },
  grants: {
    offline: true,
    self: true,
    /** `all`: ended and revoked ones too. */
    request: z.strictObject({ user: s.userName.optional(), all: z.boolean() }),
    reply: z.object({ grants: z.array(s.grant) }),
  },
  request: {
    offline: true,
    self: true,
    /** For the caller. */
    request: z.strictObject({
      role: s.roleName,
      target: s.targetPattern,
      forMs: z.number().int().positive(),
      reason: s.reason,
    }),
    reply: z.object({ request: s.request }),
  },
  'request.withdraw': {
    offline: true,
    self: true,
    request: z.strictObject({ id: s.idPrefix }),
    reply: z.object({ request: s.request }),
  },
  requests: {
    offline: true,
    self: true,
    /** `all`: those decided or over, too, as long as they are remembered. */
    request: z.strictObject({ all: z.boolean() }),
    reply: z.object({ requests: z.array(s.request) }),
  },
  approve: {
    offline: true,
    request: z.strictObject({ id: s.idPrefix, reason: s.reason.optional() }),
    reply: z.object({ request: s.request, grant: s.grant.optional(), effects: z.array(s.effect) }),
  },
  refuse: {
    offline: true,
    request: z.strictObject({ id: s.idPrefix, reason: s.reason }),
    reply: z.object({ request: s.request }),
  },
  lock: {
    offline: true,
    request: z.strictObject({
      kind: z.enum(['user', 'key', 'target', 'everyone']),
      subject: z.string().max(256).optional(),
      reason: s.reason,
      ...span,
    }),
    reply: z.object({ lock: s.lock, effects: z.array(s.effect) }),
  },
  unlock: {
    offline: true,
    request: z.strictObject({ id: s.idPrefix, reason: s.reason.optional() }),
    reply: z.object({ lock: s.lock, effects: z.array(s.effect) }),
  },
  locks: { offline: true, request: z.strictObject({ all: z.boolean() }), reply: z.object({ locks: z.array(s.lock) }) },
  sessions: { offline: false, request: nothing, reply: z.object({ sessions: z.array(s.session) }) },
  session: {
    offline: false,
    request: z.strictObject({ id: s.idPrefix }),
    reply: z.object({
      session: s.session,
      command: z.string().optional(),
      gate: z.string(),
      roles: z.array(s.holding),
      rules: z.array(s.rule),
      facts: s.facts,
      idleMs: z.number(),
      warnMs: z.array(z.number()),
      /** Absent where they are not known; `processesNote` says why. */
      processes: z.array(s.process).optional(),
      moreProcesses: z.number().optional(),
      processesNote: z.string().optional(),
      version: z.number(),
    }),
  },
  kill: {
    offline: false,
    request: z.strictObject({ id: s.idPrefix, reason: s.reason }),
    reply: z.object({ effects: z.array(s.effect) }),
  },
  explain: {
    offline: true,
    request: z.strictObject({
      user: s.userName,
      target: s.targetName,
      /** One: a line of shell; several: an argv. */
      words: s.commandWords,
      session: s.idPrefix.optional(),
      facts: s.facts.optional(),
    }),
    reply: z.object({
      allow: z.boolean(),
      /** Rendered for a terminal, already escaped. */
      text: z.string(),
      commands: z.array(z.json()),
    }),
  },
  'policy.check': {
    offline: false,
    request: nothing,
    reply: z.object({
      ok: z.boolean(),
      digest: z.string().optional(),
      rules: z.number().optional(),
      problems: z.array(s.problem),
    }),
  },
  'policy.diff': {
    offline: true,
    /** The rules as they would be, and the name they are spoken of by. */
    request: z.strictObject({ text: z.string().max(1_900_000), file: z.string().max(4_096) }),
    reply: z.object({
      /** False: the rules do not check, `problems` say why. */
      ok: z.boolean(),
      problems: z.array(s.problem),
      users: z.array(z.object({ user: z.string(), target: z.string(), ...s.ruleChanges })),
      /** `ends`: `@session` would not hold any more. */
      sessions: z.array(
        z.object({ id: z.string(), user: z.string(), target: z.string(), ends: z.boolean(), ...s.ruleChanges }),
      ),
      /** How many users and sessions are not named. */
      more: z.number(),
    }),
  },
  reload: {
    offline: false,
    request: nothing,
    reply: z.object({
      /** False: nothing was taken over, `problems` say why. */
      ok: z.boolean(),
      changed: z.boolean(),
      digest: z.string(),
      problems: z.array(s.problem),
      effects: z.array(s.effect),
    }),
  },
  backup: {
    offline: true,
    local: true,
    /** Everything a restore needs, as one JSON text; it holds secret keys. */
    request: nothing,
    reply: z.object({ text: z.string(), users: z.number(), grants: z.number() }),
  },
} as const satisfies Record<string, VerbShape>;

interface VerbShape {
  offline: boolean;
  self?: boolean;
  local?: boolean;
  request: z.ZodType;
  reply: z.ZodType;
}

export type Verb = keyof typeof VERBS;
export type Request<V extends Verb> = z.infer<(typeof VERBS)[V]['request']>;
export type Reply<V extends Verb> = z.infer<(typeof VERBS)[V]['reply']>;

/** Who asks. `name` is what the audit log and `by` fields say: a user's name, `root`, or `uid 1001`. */
export interface Caller {
  uid: number;
  name: string;
  /**
   * How the right to ask was established: by account, by policy as `@admin:<verb>`, or because it is asked for oneself:
   * then `user` is there, and nothing of another user's may be shown or changed.
   */
  by: 'root' | 'owner' | 'policy' | 'self' | 'broker';
  /** The sallyport user, where one is known. */
  user?: string;
  /** The session it is asked from. */
  session?: string;
  /** Throws `refused` when that session has ended, so that nothing is done in its name any more. */
  stands?(): void;
}

/** Requests are checked against their schema before they arrive here; failures are SallyportErrors. */
export type AdminPort = {
  [V in Verb]: (request: Request<V>, caller: Caller) => Promise<Reply<V>>;
};

export const isVerb = (name: string): name is Verb => Object.hasOwn(VERBS, name);

const shapeOf = (name: string): VerbShape | undefined => (isVerb(name) ? VERBS[name] : undefined);

/** Whether anybody may ask it for themselves. */
export const isSelfVerb = (name: string): boolean => shapeOf(name)?.self === true;

/** Whether it is asked on the bastion alone. */
export const isLocalVerb = (name: string): boolean => shapeOf(name)?.local === true;
