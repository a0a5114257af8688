import { escapeText } from '../core/escape.js';
import { OWN_NAME } from '../core/names.js';
import {
  decideLine,
  type GateMode,
  type HeldEnd,
  type HeldEvent,
  type HeldLine,
  type LineContext,
  type LineEvent,
  type LineGate,
  type LineGateOptions,
  type LineVerdict,
  type Lookup,
} from '../gate/index.js';
import { withApproval } from '../policy/index.js';
import { denialMarker, lineMarker } from '../record/index.js';
import type { ExecGateParts } from './exec-gate.js';
import type { Held } from './held/held.js';

/** Longest line kept in the audit log. Unit: characters. */
const MAX_RECORDED = 1_000;

/** How long a shell may take to load the hook, its system-wide start files included. Unit: ms. */
const HOOK_MS = 10_000;

export type LineGateHooks = Omit<LineGateOptions, 'qFd' | 'aFd' | 'clock'>;
/** Opens the line gate on the FIFOs the guard handed over. */
export type LineGateOpener = (hooks: LineGateHooks) => LineGate;

export interface LineGateParts extends ExecGateParts {
  gate: GateMode;
  lookup: Lookup;
  held: Held;
  /** For what is asked of the person: the line was let go. */
  accepted(line: string): void;
}

/** How the line gate decides, records and counts for one session. */
export function lineGateHooks(parts: LineGateParts): LineGateHooks {
  const { clock, life, journal, recorder, filter, gate, lookup } = parts;
  /** While the line that somebody approved is decided. */
  let approval: string | undefined;
  const rights = () => withApproval(parts.rights(), approval);
  const approved = <T>(by: string | undefined, then: () => T): T => {
    approval = by;
    try {
      return then();
    } finally {
      approval = undefined;
    }
  };
  const record = (event: LineEvent) => {
    const { allow, decision } = event.verdict;
    return journal.add({
      gate: 'line',
      command: escapeText(event.text, MAX_RECORDED),
      allow,
      why: decision?.why ?? (allow ? 'rule' : 'error'),
      ...(decision?.rule === undefined ? {} : { rule: decision.rule.id }),
    });
  };
  let loaded = false;
  // Without an exec gate, a shell that has not loaded the hook is one nobody decides for.
  if (gate === 'line-only')
    clock.after(HOOK_MS, () => {
      if (!loaded) life.end({ cause: 'crashed', reason: 'the line gate was not loaded by the shell' });
    });
  return {
    gate,
    onHello() {
      loaded = true;
    },
    decide: (parsed, context) =>
      life.ending === undefined
        ? elsewhere(
            advised(decideLine(parsed, rights(), lookup, clock.now(), context), context, parts),
            parsed,
            context,
            parts,
          )
        : { allow: false, reason: 'the session has ended' },
    onLine(event) {
      const { n } = record(event);
      filter.accepted(event.text);
      parts.accepted(event.text);
      void recorder.marker(lineMarker(event.text, n));
    },
    onRefused(event) {
      void recorder.marker(denialMarker(record(event)));
    },
    hold: (event, end) => holdLine(event, end, approved, parts),
  };
}

/** Administration is not done in a shell: says where, unless a program or a name of the shell's own is meant and allowed. */
function elsewhere(verdict: LineVerdict, parsed: Parsed, context: LineContext, parts: LineGateParts): LineVerdict {
  const [command] = parsed.commands;
  const [name] = command?.words ?? [];
  if (!command || name?.text !== OWN_NAME || name.dynamic || context.shellNames?.has(OWN_NAME)) return verdict;
  const isThere = parts.lookup(OWN_NAME, context.path, context.cwd) !== undefined;
  if (isThere && (verdict.allow || verdict.decision?.rule)) return verdict;
  const pending = context.shellNames === undefined ? { pendingNames: [OWN_NAME] } : {};
  return { allow: false, command: command.text, reason: ELSEWHERE, ...pending };
}

type Parsed = Parameters<typeof decideLine>[0];

const ELSEWHERE = 'not in here: say it where you came from, as in ssh USER@BASTION sallyport whoami';

/** Asks the person for what the line lacks, if they can be asked. */
function holdLine(
  { text, verdict, decide }: HeldEvent,
  end: (end: HeldEnd) => void,
  approved: <T>(by: string | undefined, then: () => T) => T,
  { held, life, approvals }: LineGateParts,
): HeldLine | undefined {
  let by: string | undefined;
  return held.offer({
    gate: 'line',
    text,
    subject: verdict.command ?? text,
    decision: verdict.decision,
    lacks() {
      if (life.ending !== undefined) return undefined;
      const now = approved(by, decide);
      return now.allow ? 'nothing' : now.remedies;
    },
    questions: () => approved(by, decide).refused ?? [],
    approve(who) {
      by = who;
    },
    settle(outcome) {
      const commands = verdict.refused ?? [];
      approved(by, () =>
        end(outcome.go ? 'again' : { ...verdict, ...(outcome.help === undefined ? {} : { remedy: outcome.help }) }),
      );
      // After the line was taken, which ends what an earlier one left.
      if (outcome.go && by !== undefined) approvals.line(commands, by);
    },
  });
}

/** With whom to ask, where no row of the user's is near; not before the shell has said which names are its own. */
function advised(verdict: LineVerdict, { shellNames }: LineContext, { advice }: LineGateParts): LineVerdict {
  const final = verdict.pendingNames === undefined || shellNames !== undefined;
  if (verdict.allow || !final || verdict.reason !== undefined || verdict.remedy !== undefined) return verdict;
  const remedy = verdict.decision?.why === 'no-rule' ? advice() : undefined;
  return remedy === undefined ? verdict : { ...verdict, remedy };
}
