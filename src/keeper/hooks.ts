/** The hooks of the configuration in force: what the audit log gets, they are told. Nobody waits for them. */
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Config, Hook } from '../config/index.js';
import type { HookStatus, Hooks } from '../control/hooks.js';
import { type Clock, within } from '../core/clock.js';
import { safeJson } from '../core/escape.js';
import { readShort } from '../feeds/index.js';
import {
  createQueue,
  eventOf,
  type HookEvent,
  nameOf,
  type Queue,
  SIGNATURE_HEADER,
  signatureOf,
  syslogMessage,
} from '../hooks/index.js';
import type { AuditEvent, AuditLog } from '../store/index.js';
import type { Messenger } from './messenger.js';

/** Events in one delivery. */
const TOGETHER = { webhook: 20, command: 1, syslog: 20 } as const;
const MAX_SECRET = 4 * 1024;
/** A shorter one could be guessed. Unit: characters. */
const MIN_SECRET = 16;
const MAX_CA = 1024 * 1024;

export interface HooksParts {
  audit: AuditLog;
  clock: Clock;
  config: { readonly current: Config };
  messenger: Messenger;
  log(line: string): void;
}

export interface RunningHooks extends Hooks {
  /** Takes over what the configuration in force says now; hooks that are as they were go on. */
  reconfigure(): void;
  /** Tells what still waits, for no longer than `ms`, and ends. */
  close(ms: number): Promise<void>;
}

interface Running {
  hook: Hook;
  queue: Queue;
}

export function startHooks(parts: HooksParts): RunningHooks {
  const { audit, clock, config, messenger, log } = parts;
  let running: Running[] = [];
  const end = ({ hook, queue }: Running) => {
    const left = queue.stop();
    if (left > 0) log(`hook ${hook.name}: ${left} events were not told; the audit log has them`);
  };
  const reconfigure = () => {
    const before = running;
    running = config.current.hooks.map(
      (hook) => before.find((one) => isDeepStrictEqual(one.hook, hook)) ?? start(hook, parts),
    );
    for (const one of before) if (!running.includes(one)) end(one);
  };
  reconfigure();
  audit.onAppend((entry) => tell(entry, running));
  return {
    reconfigure,
    status: () => running.map(statusOf),
    async close(ms) {
      await within(clock, Promise.all(running.map(({ queue }) => queue.settled())), ms);
      for (const one of running.splice(0)) end(one);
      messenger.stop();
    },
  };
}

function tell(entry: AuditEvent, running: readonly Running[]): void {
  if (running.length === 0) return;
  const name = nameOf(entry);
  if (name === undefined) return;
  const takers = running.filter(({ hook }) => hook.events === '*' || hook.events.includes(name));
  if (takers.length === 0) return;
  const event = eventOf(name, entry);
  for (const { queue } of takers) queue.push(event);
}

function start(hook: Hook, parts: HooksParts): Running {
  const { clock, audit, log } = parts;
  const queue = createQueue(TOGETHER[hook.kind], {
    clock,
    deliver: (events) => deliver(hook, events, parts),
    news(state, error) {
      const text = `hook ${hook.name} ${state === 'failing' ? `fails: ${error}` : 'is well again'}`;
      log(text);
      // Where the log cannot be written its own failure handler ends everything.
      if (audit.healthy()) audit.append({ event: 'hook', text, data: { hook: hook.name, state } });
    },
    random: Math.random,
  });
  return { hook, queue };
}

async function deliver(hook: Hook, events: readonly HookEvent[], { messenger, clock }: HooksParts): Promise<void> {
  const { timeoutMs } = hook;
  if (hook.kind === 'command') {
    // What was lost is told first, and alone.
    for (const event of events) await messenger.run({ argv: [...hook.argv], input: `${safeJson(event)}\n`, timeoutMs });
  } else if (hook.kind === 'syslog') {
    const origin = { host: hostname(), pid: process.pid };
    const messages = events.map((event) => syslogMessage(event, hook.facility, origin));
    await messenger.syslog({ place: hook.place, messages, timeoutMs });
  } else await post(hook, events, messenger, clock);
}

async function post(
  { url, secretFile, caFile, timeoutMs }: Extract<Hook, { kind: 'webhook' }>,
  events: readonly HookEvent[],
  messenger: Messenger,
  clock: Clock,
): Promise<void> {
  const secret = await readShort(secretFile, MAX_SECRET);
  if (secret.length < MIN_SECRET) throw new Error(`${secretFile} holds fewer than ${MIN_SECRET} characters`);
  const ca = caFile === undefined ? undefined : await readShort(caFile, MAX_CA);
  const body = safeJson({ events });
  const headers = { 'content-type': 'application/json', [SIGNATURE_HEADER]: signatureOf(secret, body, clock.now()) };
  await messenger.post({ url, headers, body, timeoutMs, ...(ca === undefined ? {} : { ca }) });
}

const iso = (ms: number) => new Date(ms).toISOString();

function statusOf({ hook, queue }: Running): HookStatus {
  const { okAt, errorAt, ...rest } = queue.health();
  return {
    hook: hook.name,
    kind: hook.kind,
    to: placeOf(hook),
    ...rest,
    ...(okAt === undefined ? {} : { okAt: iso(okAt) }),
    ...(errorAt === undefined ? {} : { errorAt: iso(errorAt) }),
  };
}

/** An address's path may be its secret. */
function placeOf(hook: Hook): string {
  if (hook.kind === 'webhook') return new URL(hook.url).origin;
  return hook.kind === 'command' ? (hook.argv[0] ?? '') : hook.address;
}
