import type { Clock } from '../../core/clock.js';
import { escapeText } from '../../core/escape.js';
import { phraseRemedies, type Remedy } from '../../policy/index.js';
import type { Decision, Question } from '../../policy/types.js';
import type { HeldStep, Recorder } from '../../record/index.js';
import type { Answered } from '../../wire/types.js';
import type { Life } from '../life.js';
import type { SupervisorPort } from '../ports.js';
import type { HeldConsole } from './console.js';

/** A line or an exec that is refused for no more than what its person could bring. */
export interface Offer {
  gate: 'line' | 'exec';
  /** The whole of it, raw. */
  text: string;
  /** The command that was refused, raw. */
  subject: string;
  decision: Decision | undefined;
  /** What it lacks now: nothing, these, or what nobody here can bring. */
  lacks(): 'nothing' | readonly Remedy[] | undefined;
  /** What of it is refused, as the rules are asked. */
  questions(): readonly Question[];
  /** Somebody approved it: from now on `lacks` and the decision count that in. */
  approve(by: string): void;
  settle(outcome: Outcome): void;
}

/** `go`: decide again. Else refused, and `help` says in half a sentence why and what to do. */
export type Outcome = { go: true } | { go: false; help?: string };

/** What a question is asked with. */
export interface Asking extends Pick<HeldParts, 'clock' | 'console' | 'prove' | 'ask' | 'withdraw'> {
  /** What was said of requests, by id. */
  answers: Map<string, Answered>;
  offer: Offer;
  /** What was asked about is gone. */
  gone(): boolean;
  note(step: HeldStep, more?: { by?: string; id?: string }): void;
}

export interface HeldParts {
  clock: Clock;
  life: Life;
  console: HeldConsole;
  recorder: Recorder;
  prove: SupervisorPort['prove'];
  ask: SupervisorPort['ask'];
  withdraw: SupervisorPort['withdraw'];
  /** A person can be asked now: there is a terminal, and no full-screen program on it. */
  canAsk(): boolean;
  /** Something was typed before it began. */
  typed: boolean;
}

/** What is said where a person cannot be asked, and how they can be. */
export function elsewhere(lacks: readonly Remedy[], where: 'terminal' | 'foreground'): string {
  const how = where === 'terminal' ? 'with a terminal (ssh -t)' : 'in the foreground, at a prompt of the shell,';
  return `${phraseRemedies(lacks)}: ${how} you are asked for it`;
}

/** Characters of a command in a question, and of a rule's id. */
const SHOWN = 120;
const RULE = 60;

/** `deploy prod needs …` */
export function needs({ subject, decision }: Offer, what: string): string {
  const rule = decision?.rule === undefined ? '' : ` (${escapeText(decision.rule.id, RULE)})`;
  return `sallyport: ${escapeText(subject, SHOWN)} needs ${what}${rule}.`;
}
