import type { Clock } from '../core/clock.js';
import { escapeText, showArgv } from '../core/escape.js';
import { questionForExec } from '../gate/index.js';
import { phraseDenied, phraseRefused, type Remedy, remediesFor, remedyFor, withApproval } from '../policy/index.js';
import type { Decision, Rights } from '../policy/types.js';
import { denialMarker, type Recorder, type Written } from '../record/index.js';
import type { ExecAsk } from '../wire/guard.js';
import type { DecisionEvent } from '../wire/types.js';
import type { Approvals } from './held/approvals.js';
import type { HeldExecs } from './held/execs.js';
import type { Journal } from './journal.js';
import type { Life } from './life.js';
import type { SupervisorPort } from './ports.js';
import type { Programs } from './programs.js';
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
  programs: Programs;
  filter: RefusalFilter;
  /** Once a session: whom to ask where no row of the user's is near. */
  advice(): string | undefined;
  /** What is asked of the person before an exec is refused. */
  execs: HeldExecs;
  approvals: Approvals;
  /** Tells the engineer of a refusal, one among many perhaps. `text` is a whole line. */
  refused(text: string): void;
}

/** Of the line a refusal came from. Unit: characters. */
const LINE_SHOWN = 100;

const REFUSED: Decision = { allow: false, why: 'error', children: 'none', detail: 'the session has ended' };
const TOO_MANY: Decision = { ...REFUSED, detail: 'too many programs' };

/** Answers one question of the guard: decide, record, release or refuse, then tell the engineer. */
export function answerExec(ask: ExecAsk, parts: ExecGateParts): void {
  const decision = decideExec(ask, parts);
  if (decision.allow) allow(ask, decision, parts);
  else {
    const end = (help?: string) => endHeld(ask, help, parts);
    const held = parts.execs.hold(ask, {
      decide: () => decideExec(ask, parts),
      lacks: () => lacks(ask, parts),
      question: () => questionNow(ask, parts.programs),
      approve: (by) => parts.approvals.give(ask, by),
      end,
    });
    if (held !== true) refuse(ask, decision, parts, held);
  }
}

function decideExec(ask: ExecAsk, parts: ExecGateParts): Decision {
  const { clock, life, rights, programs } = parts;
  if (life.ending !== undefined) return REFUSED;
  const approved = withApproval(rights(), approvalOf(ask, parts));
  return programs.takenBack(ask) ?? approved.decide(questionNow(ask, programs), clock.now());
}

/** All parts of an exec are let go by the approval of the first. */
function approvalOf(ask: ExecAsk, { approvals, programs }: ExecGateParts): string | undefined {
  return approvals.of(ask) ?? programs.get(ask.image)?.parts[0]?.approval;
}

const questionNow = (ask: ExecAsk, programs: Programs) => questionForExec({ ...ask, children: programs.under(ask) });

function lacks(ask: ExecAsk, parts: ExecGateParts): readonly Remedy[] | undefined {
  const { clock, life, rights, programs } = parts;
  if (life.ending !== undefined || programs.takenBack(ask)) return undefined;
  return remediesFor(withApproval(rights(), approvalOf(ask, parts)), questionNow(ask, programs), clock.now());
}

/** The person has answered, or cannot. */
function endHeld(ask: ExecAsk, help: string | undefined, parts: ExecGateParts): void {
  const decision = decideExec(ask, parts);
  if (decision.allow) allow(ask, decision, parts);
  else refuse(ask, decision, parts, help);
}

/** A script's interpreter and a loader's program are parts of one exec, which is written down once. */
function allow(ask: ExecAsk, decision: Decision, parts: ExecGateParts): void {
  const { supervisor, recorder, life, programs } = parts;
  const approval = approvalOf(ask, parts);
  parts.approvals.used(ask);
  if (!programs.allowed(approval === undefined ? ask : { ...ask, approval }, decision)) {
    refuse(ask, TOO_MANY, parts);
    return;
  }
  if (ask.part !== 'program') {
    supervisor.verdict(ask.q, true, decision.children);
    return;
  }
  const { command, rule, why } = note(ask, decision, parts);
  const written = recorder.program(`${command} (${rule ?? why})`);
  whenWritten(written, life, (kept) => {
    // Rights may have shrunk while it was written down.
    const takenBack = programs.takenBack(ask);
    if (kept && takenBack) refuse(ask, takenBack, parts);
    else supervisor.verdict(ask.q, kept, kept ? decision.children : 'none');
  });
}

function refuse(ask: ExecAsk, decision: Decision, parts: ExecGateParts, advised?: string): void {
  const { supervisor, recorder, life, filter, programs } = parts;
  programs.over([ask.image]);
  parts.approvals.used(ask);
  const event = note(ask, decision, parts);
  const text = phrase(ask, decision);
  const shown = life.ending === undefined && filter.shouldShow(text, ask.program.names);
  const written = recorder.marker(denialMarker({ ...event, silent: !shown }));
  whenWritten(written, life, () => supervisor.verdict(ask.q, false, 'none'));
  if (!shown) return;
  const more = help(ask, decision, parts, advised);
  setImmediate(() => parts.refused(phrase(ask, decision, more)));
}

function phrase({ argv, parent }: ExecAsk, decision: Decision, more: readonly string[] = []): string {
  if (decision === TOO_MANY)
    return phraseRefused(showArgv(argv), 'this session runs all the programs it may: end some first', showArgv(parent));
  return phraseDenied(showArgv(argv), decision, showArgv(parent), more);
}

/** What would change it, and the line it came from where its parent, the login shell, does not tell. */
function help(
  ask: ExecAsk,
  decision: Decision,
  { rights, clock, advice, filter }: ExecGateParts,
  better: string | undefined,
): string[] {
  const remedy = better ?? remedyFor(rights(), questionForExec(ask), decision, clock.now());
  const advised = remedy ?? (decision.why === 'no-rule' ? advice() : undefined);
  const line = ask.fromShell ? filter.line?.trim() : undefined;
  const told = line === undefined || line.includes(ask.argv.join(' '));
  return [
    ...(advised === undefined ? [] : [advised]),
    ...(told ? [] : [`after the line: ${escapeText(line, LINE_SHOWN)}`]),
  ];
}

function note(ask: ExecAsk, decision: Decision, { journal }: ExecGateParts): DecisionEvent {
  return journal.add({
    gate: 'exec',
    command: showArgv(ask.argv, MAX_RECORDED),
    allow: decision.allow,
    why: decision.why,
    parent: showArgv(ask.parent, MAX_RECORDED),
    ...(decision.rule === undefined ? {} : { rule: decision.rule.id }),
  });
}

/** Nothing is let go before it is in the recording; what cannot be recorded ends the session. */
function whenWritten(written: Written, life: Life, then: (kept: boolean) => void): void {
  if (written === true) then(true);
  else
    written.then(
      () => then(true),
      () => {
        life.end({ cause: 'recording' });
        then(false);
      },
    );
}
