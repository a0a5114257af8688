import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { formatProblem, messageOf, type Problem, SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { checkAcross, targetsOf } from './across.js';
import { sealsOf } from './breakglass.js';
import { feedsOf } from './feeds.js';
import { hooksOf } from './hooks.js';
import { problemAt, problemsOf, type Source } from './problems.js';
import { schema, type Written } from './schema.js';
import type { Config, ProcessLimits, RoleLimits } from './types.js';

type WrittenRole = Written['session']['roles'][string];

/** A configuration is small; more than this is a mistake. Unit: characters. */
const MAX_SIZE = 1 << 20;

/** Everything wrong with a configuration; the message has one line per problem. */
export class ConfigError extends SallyportError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super('failed', problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads and checks `sallyport.yaml` of a home. Throws a ConfigError that names every problem with file and line. */
export function loadConfig(homeDir: string): Config {
  const home = resolve(homeDir);
  const file = join(home, 'sallyport.yaml');
  return parseConfig(readText(file), home);
}

/** As `loadConfig`, for text that may not be in its place yet. */
export function parseConfig(text: string, homeDir: string): Config {
  const home = resolve(homeDir);
  const file = join(home, 'sallyport.yaml');
  if (text.length > MAX_SIZE) fail(file, 'is larger than 1 MiB: this is not a sallyport.yaml');
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const source: Source = { file, doc, lines };
  const broken = doc.errors.map(
    (e): Problem => ({ file, line: lines.linePos(e.pos[0]).line, message: syntaxMessage(e), severity: 'error' }),
  );
  if (broken.length > 0) throw new ConfigError(broken);
  return build(source, home, plain(source));
}

function build(source: Source, home: string, value: unknown): Config {
  const result = schema.safeParse(value);
  const problems = result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(source, issue));
  for (const { path, message } of checkAcross(value)) problems.push(problemAt(source, path, message));
  if (!result.success || problems.length > 0) throw new ConfigError(inOrder(problems));
  return freeze(toConfig(result.data, home, source.file));
}

function toConfig(w: Written, home: string, file: string): Config {
  const { session: s, limits } = w;
  const { loginGrace, ...counts } = limits;
  return {
    home,
    file,
    listen: w.listen,
    doors: w.doors,
    doorAccount: w.doorAccount,
    isolation: w.isolation,
    session: {
      idleMs: s.idle,
      hardMs: s.hard,
      warnMs: [...new Set(s.warn)].sort((a, b) => b - a),
      recheckMs: s.recheck,
      drainMs: s.drain,
      limits: processLimits(s.limits) as ProcessLimits,
      userNamespaces: s.userNamespaces,
      roles: Object.fromEntries(Object.entries(s.roles).map(([name, r]) => [name, roleLimits(r)])),
    },
    timezone: w.timezone,
    retentionMs: w.retention,
    gate: w.gate,
    admins: w.admins,
    labels: w.labels,
    targets: targetsOf(w),
    limits: { loginGraceMs: loginGrace, ...counts },
    requests: requestsOf(w.requests),
    approvals: { waitMs: w.approvals.wait, perUser: w.approvals.perUser },
    breakglass: sealsOf(w.breakglass),
    hide: w.hide,
    env: w.env,
    accounts: w.accounts,
    context: { feeds: feedsOf(w.context.feeds, home) },
    hooks: hooksOf(w.hooks, home),
  };
}

function roleLimits({ idle, hard, limits, userNamespaces }: WrittenRole): RoleLimits {
  return {
    ...(idle === undefined ? {} : { idleMs: idle }),
    ...(hard === undefined ? {} : { hardMs: hard }),
    ...(limits === undefined ? {} : { limits: processLimits(limits) }),
    ...(userNamespaces === undefined ? {} : { userNamespaces }),
  };
}

function requestsOf({ longest, expire, ...rest }: Written['requests']): Config['requests'] {
  return { ...rest, longestMs: longest, expireMs: expire };
}

function processLimits({ cpu, ...rest }: Partial<Written['session']['limits']>): Partial<ProcessLimits> {
  return { ...rest, ...(cpu === undefined ? {} : { cpuMs: cpu }) };
}

/** The document as plain values; an empty file is an empty map. */
function plain(source: Source): unknown {
  try {
    return source.doc.toJS({ maxAliasCount: 50 }) ?? {};
  } catch (error) {
    return fail(source.file, escapeText(messageOf(error)));
  }
}

function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return fail(file, 'not found: make a home with `sallyport init`, or name another with --home');
    return fail(file, error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${messageOf(error)}`);
  }
}

const syntaxMessage = (error: Error): string => escapeText(error.message.split('\n')[0] ?? error.message);

const inOrder = (problems: Problem[]): Problem[] => problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));

function fail(file: string, message: string): never {
  throw new ConfigError([{ file, message, severity: 'error' }]);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
