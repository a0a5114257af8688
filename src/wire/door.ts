/** The messages between keeper and door. Both ends check every message; a malformed one closes the link. */
import { z } from 'zod';
import { END_CAUSES } from '../core/causes.js';
import { ID_PATTERN } from '../core/ids.js';
import { answered, ask, asked, withdraw } from './asks.js';
import { MAX_TREE } from './guard.js';
import { ptyRequest } from './pty.js';
import type { Admitted, Deadlines, ProcessInfo, RightsUpdate } from './types.js';

const id = z.string().regex(ID_PATTERN);
const base64 = z.string().max(400_000);
const cause = z.enum(END_CAUSES);
const text = z.string().max(4_096);
/** Ms since the epoch, within what a Date can hold. */
const time = z.number().min(0).max(8.64e15);

/** Checked where it is compiled: `compileRights` refuses what it does not understand. */
const rights = z.custom<RightsUpdate>((v) => typeof v === 'object' && v !== null && 'facts' in v && 'holdings' in v);

const deadlines: z.ZodType<Deadlines> = z.object({
  idleMs: z.number().positive(),
  hardAt: z.number(),
  hardCause: cause,
  warnMs: z.array(z.number()),
  recheckMs: z.number().positive(),
});

const admitted = z.custom<Admitted>((v) => typeof v === 'object' && v !== null && 'id' in v && 'rights' in v);

/** What the keeper says to a door. */
export const toDoor = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    pair: z.number().int(),
    hostKey: z.string(),
    /** The unprivileged account to become before anything is read from the network; absent: stay. */
    drop: z.object({ uid: z.number().int().positive(), gid: z.number().int().positive() }).optional(),
    limits: z.object({
      loginGraceMs: z.number(),
      authTries: z.number().int(),
      channelsPerConnection: z.number().int(),
    }),
    env: z.array(z.string()),
    isolation: z.enum(['account', 'sandbox']),
  }),
  /** Answers carry the number of the question. */
  z.object({ type: z.literal('probed'), re: z.number(), ok: z.boolean() }),
  /** `prompt`: the key is good, and what it asks for comes as `second`. Neither: refused. */
  z.object({
    type: z.literal('logged-in'),
    re: z.number(),
    login: id.optional(),
    prompt: z.string().max(200).optional(),
  }),
  z.object({ type: z.literal('admitted'), re: z.number(), session: admitted.optional(), refusal: text.optional() }),
  z.object({
    type: z.literal('rights'),
    sid: id,
    version: z.number(),
    rights,
    deadlines,
    /** The cause the session gets should these rights end it. */
    cause,
    /** What changed, for people: `grant 01k… revoked`. */
    because: z.string().max(200),
  }),
  z.object({ type: z.literal('end'), sid: id, version: z.number(), cause, reason: text.optional() }),
  /** For one session, or for all of them. */
  z.object({ type: z.literal('notice'), text, sid: id.optional() }),
  /** Who watches a session: for its recording, and what the engineer is told of it where the policy says so. */
  z.object({ type: z.literal('watched'), sid: id, note: text.optional(), say: text.optional() }),
  z.object({ type: z.literal('tree'), q: z.number(), sid: id }),
  /** New rights were sent before, where it was proved. */
  z.object({
    type: z.literal('proved'),
    re: z.number(),
    ok: z.boolean(),
    left: z.number().int().min(0),
    why: z.enum(['wrong', 'used', 'none', 'wait']).optional(),
    waitMs: z.number().min(0).optional(),
  }),
  /** The login of this connection does not stand any more. */
  z.object({ type: z.literal('hangup'), conn: z.number(), cause }),
  asked,
  answered,
]);

export type ToDoor = z.infer<typeof toDoor>;

const decisionEvent = z.object({
  n: z.number().int().positive(),
  at: time,
  gate: z.enum(['line', 'exec', 'action']),
  command: z.string().max(1_100),
  allow: z.boolean(),
  rule: z.string().max(200).optional(),
  why: z.enum(['rule', 'no-rule', 'children', 'error']),
  parent: z.string().max(1_100).optional(),
  ended: z.string().max(300).optional(),
});

/** Decisions of one message; more are split, so that one message stays small. */
export const MAX_EVENTS_PER_MESSAGE = 200;

const processInfo: z.ZodType<ProcessInfo> = z.object({
  pid: z.number().int(),
  ppid: z.number().int(),
  inner: z.number().int(),
  argv: z.array(z.string().max(1_000)).max(64),
  rule: z.string().max(200).optional(),
  why: z.enum(['rule', 'trusted', 'shell', 'unknown']),
  children: z.enum(['checked', 'trusted', 'none']),
  startedAt: time,
});

/** What a door says to the keeper. */
export const fromDoor = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('beat'), inputs: z.array(z.tuple([id, time])).max(100_000) }),
  z.object({
    type: z.literal('probe'),
    q: z.number(),
    conn: z.number(),
    user: z.string().max(256),
    key: base64,
  }),
  z.object({
    type: z.literal('login'),
    q: z.number(),
    conn: z.number(),
    /** The login name as signed: `alice+db1`. */
    name: z.string().max(256),
    algo: z.string().max(64),
    keyType: z.string().max(64),
    key: base64,
    signed: base64,
    signature: base64,
  }),
  /** What the person typed after a key that was good and not enough. */
  z.object({ type: z.literal('second'), q: z.number(), conn: z.number(), typed: z.string().max(256) }),
  z.object({
    type: z.literal('admit'),
    q: z.number(),
    conn: z.number(),
    login: id,
    kind: z.enum(['shell', 'exec']),
    command: z.string().max(262_144).optional(),
    pty: ptyRequest.optional(),
    env: z.record(z.string().max(256), z.string().max(32_768)),
  }),
  /** The door is ready for this admitted session: launch it. */
  z.object({ type: z.literal('go'), sid: id }),
  z.object({
    type: z.literal('settled'),
    sid: id,
    version: z.number(),
    outcome: z.enum(['changed', 'ended']),
    cause: cause.optional(),
    /** Running programs that ended with the rights they ran under. */
    programs: z.number().int().min(0).optional(),
  }),
  z.object({ type: z.literal('decisions'), sid: id, events: z.array(decisionEvent).max(MAX_EVENTS_PER_MESSAGE) }),
  z.object({
    type: z.literal('ended'),
    sid: id,
    cause,
    status: z.string().max(40),
    commands: z.number().int(),
    denied: z.number().int(),
    reason: text.optional(),
  }),
  z.object({
    type: z.literal('tree'),
    re: z.number(),
    processes: z.array(processInfo).max(MAX_TREE),
    more: z.number().int().min(0),
  }),
  ask,
  withdraw,
  /** A second factor typed in a session; without a code, whether one would be looked at. */
  z.object({ type: z.literal('prove'), q: z.number(), sid: id, code: z.string().max(256).optional() }),
  z.object({ type: z.literal('authenticated'), conn: z.number() }),
  z.object({ type: z.literal('closed'), conn: z.number() }),
]);

export type FromDoor = z.infer<typeof fromDoor>;

/** Comes with each socket on the door's IPC channel. */
export const socketNote = z.object({ conn: z.number(), ip: z.string().max(64), port: z.number().int() });

/** The door's descriptors when the keeper starts it. */
export const DOOR_FDS = { ipc: 3, keeperLink: 4, guardLink: 5, guardLane: 6 } as const;
/** Both ends of a pair say `beat` this often, ms; silent for four times that they count as stalled. */
export const STALL_MS = 2_000;
