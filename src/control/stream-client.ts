/** Reads a stream of frames. */
import type { z } from 'zod';
import { SallyportError } from '../core/errors.js';
import { splitLines } from '../record/index.js';
import { openStream, type Way } from './client.js';
import { type Found, type Frame, frame, type StreamRequest, type StreamVerb } from './streams.js';

export interface FrameStream<V extends StreamVerb, T> {
  way: Way;
  verb: V;
  request: StreamRequest<V>;
  /** Of the items. */
  schema: z.ZodType<T>;
  /** Ends the stream quietly. */
  signal: AbortSignal;
}

/** What the broker finds; throws its errors, `unreachable` where nobody listens, and `failed` for half an answer. */
export async function* askFrames<V extends Exclude<StreamVerb, 'replay'>, T>(
  stream: FrameStream<V, T>,
): AsyncGenerator<Found<T>> {
  const { way, verb, request, schema, signal } = stream;
  try {
    for await (const line of splitLines(await openStream(way, verb, request, signal))) {
      const one = frameOf(verb, line.text);
      if ('end' in one) return;
      if ('error' in one) throw new SallyportError(one.error.code, one.error.message);
      yield 'problem' in one ? one : { item: itemOf(verb, schema, one.item) };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!signal.aborted) throw new SallyportError('failed', `${verb}: the broker broke off before the end; try again`);
}

function frameOf(verb: StreamVerb, text: string): Frame {
  const parsed = frame.safeParse(parseJson(text));
  if (!parsed.success) throw senseless(verb);
  return parsed.data;
}

function itemOf<T>(verb: StreamVerb, schema: z.ZodType<T>, item: unknown): T {
  const parsed = schema.safeParse(item);
  if (!parsed.success) throw senseless(verb);
  return parsed.data;
}

const senseless = (verb: StreamVerb) =>
  new SallyportError('failed', `${verb}: the broker's answer makes no sense: is it of another version?`);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
