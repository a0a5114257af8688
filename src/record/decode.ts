/** Lines of asciicast v2 as events. What another program wrote is read as far as it can be. */
import { z } from 'zod';
import { END_CAUSES } from '../core/causes.js';
import { type CastEvent, HELD_STEPS, type MarkerData, type RecordingHeader, type StreamName } from './types.js';

const Event = z.tuple([z.number().nonnegative(), z.string(), z.unknown()]).rest(z.unknown());
const Size = /^(\d{1,5})x(\d{1,5})$/;

const Data: z.ZodType<MarkerData> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('line'), text: z.string(), n: z.number().exactOptional() }),
  z.object({
    type: z.literal('denied'),
    text: z.string(),
    why: z.string(),
    gate: z.string(),
    rule: z.string().exactOptional(),
    parent: z.string().exactOptional(),
    n: z.number().exactOptional(),
    silent: z.boolean().exactOptional(),
  }),
  z.object({
    type: z.literal('ended'),
    text: z.string(),
    why: z.string(),
    because: z.string(),
    rule: z.string().exactOptional(),
    n: z.number().exactOptional(),
  }),
  z.object({
    type: z.literal('held'),
    text: z.string(),
    step: z.enum(HELD_STEPS),
    gate: z.string(),
    rule: z.string().exactOptional(),
    by: z.string().exactOptional(),
    id: z.string().exactOptional(),
  }),
  z.object({ type: z.literal('note'), text: z.string() }),
  z.object({ type: z.literal('end'), cause: z.enum(END_CAUSES), status: z.number().exactOptional() }),
]);

const text = z.string().catch('');
const size = z.number().int().min(1).max(65_535);
const Header = z.object({
  version: z.literal(2),
  width: size,
  height: size,
  timestamp: z.number().catch(0),
  command: z.string().optional().catch(undefined),
  title: z.string().optional().catch(undefined),
  env: z.object({ TERM: z.string().optional(), SHELL: z.string().optional() }).catch({}),
  sallyport: z
    .object({
      session: text,
      user: text,
      account: text,
      target: text,
      source: text,
      kind: z.enum(['shell', 'exec']).catch('shell'),
      pty: z.boolean().catch(true),
      startedAt: text,
    })
    .optional()
    .catch(undefined),
});

/** The first line; undefined when it is not a header of asciicast v2. */
export function decodeHeader(line: string): RecordingHeader | undefined {
  const parsed = Header.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { width, height, timestamp, command, title, env, sallyport } = parsed.data;
  const { startedAt, ...who } = sallyport ?? FOREIGN;
  const at = Date.parse(startedAt);
  return {
    width,
    height,
    startedAt: Number.isNaN(at) ? timestamp * 1000 : at,
    ...who,
    ...(command === undefined ? {} : { command }),
    ...(title === undefined ? {} : { title }),
    ...(env.TERM === undefined ? {} : { term: env.TERM }),
    ...(env.SHELL === undefined ? {} : { shell: env.SHELL }),
  };
}

const FOREIGN = {
  session: '',
  user: '',
  account: '',
  target: '',
  source: '',
  kind: 'shell',
  pty: true,
  startedAt: '',
} as const;

/** Puts qualifier lines and the event they speak of together. */
export interface EventDecoder {
  /** `undefined`: a qualifier, its event comes later. `false`: not an event at all. */
  line(line: string): CastEvent | undefined | false;
}

export function createEventDecoder(): EventDecoder {
  let stream: StreamName = 'out';
  let bytes: Buffer | undefined;
  let data: MarkerData | undefined;

  const output = (at: number, shown: string): CastEvent => {
    const event = { kind: 'output', at, stream, text: shown, bytes: bytes ?? Buffer.from(shown) } as const;
    stream = 'out';
    bytes = undefined;
    return event;
  };
  const marker = (at: number, label: string): CastEvent => {
    const event = { kind: 'marker', at, label, ...(data === undefined ? {} : { data }) } as const;
    data = undefined;
    return event;
  };

  return {
    line(line) {
      const parsed = Event.safeParse(parseJson(line));
      if (!parsed.success) return false;
      const [time, code, value] = parsed.data;
      const at = Math.round(time * 1e6) / 1e3;
      const content = typeof value === 'string' ? value : '';
      switch (code) {
        case 'o':
          return output(at, content);
        case 'm':
          return marker(at, content);
        case 'p':
          return { kind: 'program', at, text: content };
        case 'r':
          return resize(at, content);
        case 'e':
          stream = 'err';
          return undefined;
        case 'b':
          bytes = Buffer.from(content, 'base64');
          return undefined;
        case 'd':
          data = Data.safeParse(parseJson(content)).data;
          return undefined;
        default:
          return { kind: 'other', at, code };
      }
    },
  };
}

function resize(at: number, content: string): CastEvent {
  const match = Size.exec(content);
  if (!match) return { kind: 'other', at, code: 'r' };
  return { kind: 'resize', at, cols: Number(match[1]), rows: Number(match[2]) };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
