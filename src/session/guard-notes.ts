import { showArgv } from '../core/escape.js';
import { phraseRefused } from '../policy/index.js';
import { denialMarker } from '../record/index.js';
import type { GuardToDoor, NoteKind } from '../wire/guard.js';
import type { ExecGateParts } from './exec-gate.js';

/** Longest command kept in the records. Unit: characters. */
const MAX_RECORDED = 800;

export type GuardNote = Pick<Extract<GuardToDoor, { type: 'note' }>, 'kind' | 'argv' | 'parent'>;

/** In an engineer's words: what was in the way, and what would change it. */
const WHY: Record<NoteKind, string> = {
  mismatch: 'what began to run was not what had been allowed, and was killed',
  unreadable: 'its arguments could not be read',
  timeout: 'no answer came in time: try again',
  unnamed: 'not a file anyone can name: run it by its path',
  narrow: 'a 32-bit program; sessions run 64-bit ones only',
  hidden: 'a file the gate cannot read: make it readable for whoever may run it',
  unsteady: 'a file the loader may find changed: run it by itself',
  'too-long': 'more arguments than the gate reads: give them in parts, as xargs does',
  launcher: 'not a step of the launcher',
  'held-up': 'it kept the guard from all other sessions, and this one was ended',
};

/** What the guard refused or killed by itself: recorded, numbered and told like any refusal. */
export function recordNote({ kind, argv, parent }: GuardNote, parts: ExecGateParts): void {
  const shownAs = (max?: number) => (argv.length > 0 ? showArgv(argv, max) : 'a program');
  const text = phraseRefused(shownAs(), WHY[kind], showArgv(parent));
  const event = parts.journal.add({
    gate: 'exec',
    command: `${shownAs(MAX_RECORDED)}: ${WHY[kind]}`,
    allow: false,
    why: 'error',
    parent: showArgv(parent, MAX_RECORDED),
  });
  const shown = parts.life.ending === undefined && parts.filter.shouldShow(text, argv.slice(0, 1));
  void parts.recorder.marker(denialMarker({ ...event, silent: !shown }));
  if (shown) parts.refused(text);
}
