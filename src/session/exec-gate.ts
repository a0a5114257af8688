import { basename } from 'node:path';
import type { Clock } from '../core/clock.js';
import { escapeText, showArgv } from '../core/escape.js';
import { decideExec, type ExecAsk as GateAsk } from '../gate/index.js';
import { phraseDenied } from '../policy/index.js';
import type { Decision, Rights } from '../policy/types.js';
import { denialMarker, type Recorder, type Written } from '../record/index.js';
import type { ExecAsk } from '../wire/guard.js';
import type { Journal } from './journal.js';
import type { Life } from './life.js';
import type { SupervisorPort } from './ports.js';
import type { RefusalFilter } from './refusals.js';

/** Longest command kept in the records. Unit: characters. */
const MAX_RECORDED = 1_000;

export interface ExecGateParts {
  clock: Clock;
  life: Life;
  rights: () => Rights;
  journal: Journal;
  recorder: Recorder;
  supervisor: SupervisorPort;
  filter: RefusalFilter;
  notice(text: string): void;
}

const REFUSED: Decision = { allow: false, why: 'error', children: 'none', detail: 'the session has ended' };

/** Answers one question of the guard: decide, record, release or refuse, then tell the engineer. */
export async function answerExec(ask: ExecAsk, parts: ExecGateParts): Promise<void> {
  const { clock, life, rights, journal, recorder, supervisor } = parts;
  const decision = life.ending === undefined ? decideExec(asQuestion(ask), rights(), clock.now()) : REFUSED;
  const command = showArgv(ask.argv, MAX_RECORDED);
  const parent = showArgv(ask.parent, MAX_RECORDED);
  const event = journal.add({
    gate: 'exec',
    command,
    allow: decision.allow,
    why: decision.why,
    parent,
    ...(decision.rule === undefined ? {} : { rule: decision.rule.id }),
  });
  if (decision.allow) {
    const kept = await recorded(recorder.program(`${command} (${event.rule ?? decision.why})`), life);
    supervisor.verdict(ask.q, kept, kept ? decision.children : 'none');
    return;
  }
  const text = phraseDenied(showArgv(ask.argv), decision, showArgv(ask.parent));
  const shown = life.ending === undefined && parts.filter.shouldShow(text, ask.program.names);
  await recorded(recorder.marker(denialMarker({ ...event, silent: !shown })), life);
  supervisor.verdict(ask.q, false, 'none');
  if (shown) setImmediate(() => parts.notice(text));
}

/** What the guard refused by itself: an unreadable process, a lost answer, an image other than the approved one. */
export function recordNote(kind: string, text: string, parts: ExecGateParts): void {
  const command = escapeText(text, MAX_RECORDED);
  const event = parts.journal.add({ gate: 'exec', command, allow: false, why: 'error' });
  void parts.recorder.marker(denialMarker(event));
  const shown = phraseDenied(text, { allow: false, why: 'error', children: 'none', detail: kind });
  if (parts.filter.shouldShow(shown, [])) parts.notice(shown);
}

/** The guard's words as the gate's: of a script both its own form and the one the kernel runs are decided. */
function asQuestion(ask: ExecAsk): GateAsk {
  const { program, argv, children, hooks, script } = ask;
  if (script === undefined) return { program, argv, children, hooks };
  const { interpreter, path } = script;
  const name = basename(interpreter);
  return {
    program,
    argv,
    children,
    hooks,
    interpreter: {
      program: { path: interpreter, names: [name], trustedNames: [name] },
      argv: [interpreter, path, ...argv.slice(1)],
    },
  };
}

/** Nothing is let go before it is in the recording; what cannot be recorded ends the session. */
async function recorded(written: Written, life: Life): Promise<boolean> {
  if (written === true) return true;
  try {
    await written;
    return true;
  } catch {
    life.end({ cause: 'recording' });
    return false;
  }
}
