/** What auditors read, found in a home's files: the same for the keeper and for a command that may read them itself. */
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { type FindFilter, findRecordings, type RecordingEntry, readEnd } from '../record/index.js';
import { type AuditEvent, type AuditFilter, readAudit } from '../store/index.js';
import type { Trace } from './act.js';
import { homePaths } from './home.js';
import type { Found, RecordingView } from './streams.js';
import { iso } from './views.js';

/** Newest first. What is damaged, or vanishes while it is looked at, is a problem and passed over. */
export async function* recordingsIn(
  home: string,
  filter: FindFilter,
  signal?: AbortSignal,
): AsyncGenerator<Found<RecordingView>> {
  const problems = createProblems();
  const complain = (error: unknown) => problems.add(messageOf(error));
  for await (const entry of findRecordings(homePaths(home).recordings, filter, complain, signal)) {
    const item = await viewOf(entry).catch(complain);
    yield* problems.take();
    if (item) yield { item };
  }
  yield* problems.take();
}

async function viewOf({ id, path, header, size }: RecordingEntry): Promise<RecordingView> {
  const end = await readEnd(path);
  const { user, account, target, kind, source } = header;
  return {
    id,
    user,
    account,
    target,
    kind,
    source,
    startedAt: iso(header.startedAt),
    lengthMs: Math.round(end?.at ?? 0),
    ...(end?.cause !== undefined && { cause: end.cause }),
    ...(header.command !== undefined && { command: header.command }),
    size,
    recording: path,
  };
}

export interface AuditHow {
  clock: Clock;
  /** Polls the log for more, until the signal. */
  follow: boolean;
  signal: AbortSignal;
}

/** In the order of the log; `filter.session` is the beginning of an id here. */
export async function* auditIn(
  home: string,
  { session: prefix, ...filter }: AuditFilter,
  { clock, follow, signal }: AuditHow,
): AsyncGenerator<Found<AuditEvent>> {
  const problems = createProblems();
  const onProblem = ({ line, message }: { line: number; message: string }) =>
    problems.add(`audit log, line ${line}: ${message}`);
  const more = follow ? { follow: { clock, signal } } : {};
  for await (const item of readAudit(homePaths(home).state, { ...filter, ...more, signal, onProblem })) {
    yield* problems.take();
    if (prefix === undefined || item.session?.startsWith(prefix)) yield { item };
  }
  yield* problems.take();
}

/** Problems wait here until something is found; of a log or a tree that is all rubbish no more than this is kept. */
const MAX_PROBLEMS = 1000;

function createProblems() {
  let waiting: { problem: string }[] = [];
  let more = 0;
  return {
    add(problem: string): void {
      if (waiting.length < MAX_PROBLEMS) waiting.push({ problem });
      else more++;
    },
    take(): { problem: string }[] {
      const taken = more === 0 ? waiting : [...waiting, { problem: `and ${more} more problems like these` }];
      waiting = [];
      more = 0;
      return taken;
    },
  };
}

/** What the audit log says of someone who looks at a recording. */
export function replayTrace({ id, header }: RecordingEntry): Trace {
  const { user, target } = header;
  return { text: 'replay the recording', session: id, ...(user !== '' && { user }), ...(target !== '' && { target }) };
}
