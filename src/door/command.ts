import { escapeText } from '../core/escape.js';
import { lineGateShell } from '../core/shells.js';
import { decideCommandLine, type Lookup, phraseRefusal } from '../gate/index.js';
import type { CommandQuestion, Rights } from '../policy/types.js';
import { elsewhere } from '../session/index.js';
import { SESSION_PATH } from '../wire/guard.js';
import type { Admitted, DecisionEvent } from '../wire/types.js';

const MAX_RECORDED = 1_000;

export interface CommandRefusal {
  /** The line the engineer reads. */
  text: string;
  event: DecisionEvent;
}

/** Decides the command of `ssh host command` whole, before anything is launched; undefined: it may run. */
export function refuseCommand(
  admitted: Admitted,
  rights: Rights,
  lookup: Lookup,
  atMs: number,
): CommandRefusal | undefined {
  const { command, gate } = admitted;
  const shell = lineGateShell(admitted.shell) ?? 'bash';
  if (command === undefined || admitted.administration) return undefined;
  const verdict = decideCommandLine(command, rights, lookup, atMs, { gate, shell, path: SESSION_PATH });
  if (verdict.allow) return undefined;
  const { decision, remedies, refused = [] } = verdict;
  // With a terminal the person is asked when the programs start: the exec gate sees all of these.
  if (remedies !== undefined && gate === 'exec' && admitted.term !== undefined && refused.every(isProgram))
    return undefined;
  const remedy = remedies === undefined ? {} : { remedy: elsewhere(remedies, 'terminal') };
  return {
    text: phraseRefusal({ ...verdict, ...remedy }, command),
    event: {
      n: 1,
      at: atMs,
      gate: 'line',
      command: escapeText(command, MAX_RECORDED),
      allow: false,
      why: decision?.why ?? 'error',
      ...(decision?.rule === undefined ? {} : { rule: decision.rule.id }),
    },
  };
}

const isProgram = ({ builtin, program }: CommandQuestion) => builtin !== true && program !== undefined;
