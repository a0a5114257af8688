/**
 * The verbs whose answer is a stream: `@admin:<verb>` in policy and `POST /v1/<verb>` on the control socket, as the others.
 * `replay` sends the recording's bytes, the others one frame a line.
 */
import { z } from 'zod';
import { AUDIT_EVENTS, type AuditEvent } from '../store/index.js';
import type { Caller, Verb } from './admin-port.js';
import * as s from './shapes.js';
import type { WatchEvent } from './watch.js';

const needle = z.string().max(16_384).exactOptional();
/** ms since the epoch, as the searches take them. */
const moment = z.number().exactOptional();

export const STREAMS = {
  recordings: z.strictObject({ user: needle, target: needle, since: moment, until: moment, command: needle }),
  /** A session's id or the beginning of one. */
  replay: z.strictObject({ id: z.string().max(100) }),
  /** A live session's id or the beginning of one. */
  watch: z.strictObject({ id: s.idPrefix }),
  audit: z.strictObject({
    since: moment,
    until: moment,
    user: needle,
    /** The beginning of an id. */
    session: needle,
    event: z.enum(AUDIT_EVENTS).exactOptional(),
    text: needle,
    /** Goes on with what happens, until the client leaves. */
    follow: z.boolean().exactOptional(),
  }),
} as const;

export type StreamVerb = keyof typeof STREAMS;
export type StreamRequest<V extends StreamVerb> = z.infer<(typeof STREAMS)[V]>;
export type AnyVerb = Verb | StreamVerb;

export const isStreamVerb = (name: string): name is StreamVerb => Object.hasOwn(STREAMS, name);

/** A recording as it is listed; times ISO 8601 UTC. */
export const recordingView = z.object({
  id: z.string(),
  user: z.string(),
  account: z.string(),
  target: z.string(),
  kind: z.string(),
  source: z.string(),
  startedAt: s.isoTime,
  /** ms; of what is written so far where the end is missing. */
  lengthMs: z.number(),
  cause: z.string().exactOptional(),
  command: z.string().exactOptional(),
  size: z.number(),
  recording: z.string(),
});
export type RecordingView = z.infer<typeof recordingView>;

/** The rest of an event is what the log says. */
export const auditEvent = z.custom<AuditEvent>((value) => loggedEvent.safeParse(value).success);
const loggedEvent = z.looseObject({ seq: z.number(), at: z.string(), event: z.string() });

/** Something found, or what stood in the way of finding more: a sentence for people, not yet escaped. */
export type Found<T> = { item: T } | { problem: string };

/** One line of a stream of frames. The last one is an end or an error: without either it was broken off. */
export const frame = z.union([
  z.strictObject({ item: z.unknown() }),
  z.strictObject({ problem: z.string() }),
  z.strictObject({ end: z.literal(true) }),
  z.strictObject({
    error: z.strictObject({
      code: z.enum(['failed', 'usage', 'not-found', 'refused', 'unreachable']),
      message: z.string(),
    }),
  }),
]);
export type Frame = z.infer<typeof frame>;

/** What the streams are made of; each promise settles before the first byte, iteration stops soon after the signal. */
export interface StreamPort {
  recordings(request: StreamRequest<'recordings'>, signal: AbortSignal): AsyncIterable<Found<RecordingView>>;
  audit(request: StreamRequest<'audit'>, signal: AbortSignal): AsyncIterable<Found<AuditEvent>>;
  /** Resolves when it is durable in the audit log who looks at which recording. */
  replay(request: StreamRequest<'replay'>, caller: Caller): Promise<AsyncIterable<Buffer>>;
  /** Resolves when it is durable in the audit log who watches which session. */
  watch(
    request: StreamRequest<'watch'>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<AsyncIterable<{ item: WatchEvent }>>;
}
