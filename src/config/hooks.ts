/** `hooks`: who is told of what happens. */
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { nearest } from '../core/names.js';
import { isLoopback } from './feeds.js';
import * as f from './fields.js';
import { HOOK_EVENTS, type HookEventName } from './hook-events.js';
import type { Hook, HookPlace } from './types.js';

const SECOND = 1_000;
const MAX_HOOKS = 16;
const MAX_WORDS = 100;
const MAX_TIMEOUT_MS = 30 * SECOND;
/** Of a unix socket's path, bytes: what the kernel takes. */
const MAX_SOCKET_PATH = 107;
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['ntp', 'audit', 'alert', 'clock', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];

const text = z.string().min(1).max(2_000);

const event = z.unknown().transform((value, ctx): HookEventName => {
  const found = HOOK_EVENTS.find((name) => name === value);
  if (found !== undefined) return found;
  const near = typeof value === 'string' ? nearest(value, HOOK_EVENTS) : undefined;
  const hint = near === undefined ? `there are ${HOOK_EVENTS.join(', ')}` : `did you mean ${near}?`;
  return f.reject(ctx, `${f.show(value)} is no event: ${hint}`);
});

const MUST_BE = "must be a list of events, or '*' for all of them";

const events = z.union([z.literal('*'), z.array(event).min(1, MUST_BE).max(100, MUST_BE)], {
  error: (issue) => firstOf(issue.errors) ?? MUST_BE,
});

/** What is wrong with one name of the list says more than that the list is wrong. */
function firstOf(errors: unknown): string | undefined {
  const [, list] = Array.isArray(errors) ? errors : [];
  const [first] = Array.isArray(list) ? list : [];
  const { message, code } = (first ?? {}) as { message?: string; code?: string };
  return code === 'custom' ? message : undefined;
}

const webhook = z.strictObject({ url: text, secretFile: text, caFile: text.exactOptional() });
const syslog = z.strictObject({ address: text, facility: f.oneOf(...FACILITIES).default('authpriv') });

const hook = z
  .strictObject({
    name: z.string().regex(NAME, 'names of hooks are [a-z0-9][a-z0-9_-]{0,31}').exactOptional(),
    events,
    timeout: f.duration(100).default(5 * SECOND),
    webhook: webhook.exactOptional(),
    command: z.array(z.string().max(4_000)).min(1).max(MAX_WORDS).exactOptional(),
    syslog: syslog.exactOptional(),
  })
  .superRefine((w, ctx) => {
    for (const { path, message } of checkHook(w)) ctx.addIssue({ code: 'custom', path, message });
  });

export const hooks = z
  .array(hook)
  .max(MAX_HOOKS, `holds more than ${MAX_HOOKS} hooks`)
  .superRefine((list, ctx) => {
    const names = hooksOf(list, '/').map((h) => h.name);
    names.forEach((name, at) => {
      if (names.indexOf(name) !== at)
        ctx.addIssue({ code: 'custom', path: [at], message: `there is a hook ${name} already: give it a name` });
    });
  })
  .default([]);

export const HOOK_KEYS = {
  'hooks.*': ['name', 'events', 'timeout', 'webhook', 'command', 'syslog'],
  'hooks.*.webhook': Object.keys(webhook.shape),
  'hooks.*.syslog': Object.keys(syslog.shape),
};

type Written = z.infer<typeof hook>;

function checkHook(w: Written): { path: string[]; message: string }[] {
  const kinds = [w.webhook, w.command, w.syslog].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) return [{ path: [], message: 'a hook has exactly one of webhook, command and syslog' }];
  const found: { path: string[]; message: string }[] = [];
  if (w.timeout > MAX_TIMEOUT_MS) found.push({ path: ['timeout'], message: 'is too long: at most 30s' });
  const wrongUrl = w.webhook && whyNotUrl(w.webhook.url);
  if (wrongUrl !== undefined) found.push({ path: ['webhook', 'url'], message: wrongUrl });
  if (w.command !== undefined && (!isAbsolute(w.command[0] ?? '') || w.command.some((word) => word.includes('\0'))))
    found.push({ path: ['command'], message: 'must begin with an absolute path: there is no shell and no PATH' });
  if (w.syslog && syslogPlace(w.syslog.address) === undefined)
    found.push({
      path: ['syslog', 'address'],
      message: `${f.show(w.syslog.address)} is no address: write udp://HOST:PORT, tcp://HOST:PORT or unix:/dev/log`,
    });
  return found;
}

function whyNotUrl(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:'))
    return `${f.show(url)} is not an https address`;
  if (parsed.username !== '' || parsed.password !== '') return 'holds a password: the signature stands for it';
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname))
    return 'whoever is on the way could read it: use https (http is for this machine alone)';
  return undefined;
}

function syslogPlace(address: string): HookPlace | undefined {
  const [, scheme, rest = ''] = /^(udp|tcp):\/\/(.+)$/.exec(address) ?? [];
  if (scheme === 'udp' || scheme === 'tcp') {
    const at = f.parseAddress(rest);
    return at && at.port > 0 ? { via: scheme, ...at } : undefined;
  }
  const path = /^unix:(\/.+)$/.exec(address)?.[1];
  const fits = path !== undefined && !path.includes('\0') && Buffer.byteLength(path) <= MAX_SOCKET_PATH;
  return fits ? { via: 'unix', path } : undefined;
}

/** Absolute paths, ms, and names where none were given. */
export function hooksOf(written: readonly Written[], home: string): Hook[] {
  return written.map((w, at) => hookOf(w, at, (path) => (isAbsolute(path) ? path : resolve(home, path))));
}

function hookOf(w: Written, at: number, place: (path: string) => string): Hook {
  const base = { events: w.events, timeoutMs: w.timeout };
  const name = (kind: string) => w.name ?? `${kind}-${at + 1}`;
  if (w.webhook) {
    const { url, secretFile, caFile } = w.webhook;
    const ca = caFile === undefined ? {} : { caFile: place(caFile) };
    return { ...base, name: name('webhook'), kind: 'webhook', url, secretFile: place(secretFile), ...ca };
  }
  if (w.command) return { ...base, name: name('command'), kind: 'command', argv: w.command };
  const { address = '', facility = '' } = w.syslog ?? {};
  const to = syslogPlace(address) ?? { via: 'unix', path: '/dev/log' };
  return { ...base, name: name('syslog'), kind: 'syslog', address, place: to, facility: FACILITIES.indexOf(facility) };
}
