import { escapeText } from '../core/escape.js';
import type { DecisionEvent } from '../wire/types.js';
import type { HeldStep, Marker, MarkerData, Trailer } from './types.js';

/** Characters of a label, so that a list of markers stays readable. */
const LABEL_MAX = 300;
/** Characters of a command kept for programs: as long as the line gate reads. */
const TEXT_MAX = 16_384;

/** A line the line gate accepted, as typed. */
export function lineMarker(text: string, n?: number): Marker {
  return {
    label: `line: ${escapeText(text, LABEL_MAX)}`,
    data: { type: 'line', text: keep(text), ...(n === undefined ? {} : { n }) },
  };
}

export type Denial = Pick<DecisionEvent, 'command' | 'gate' | 'why'> &
  Partial<Pick<DecisionEvent, 'n' | 'rule' | 'parent'>> & { silent?: boolean };

/** A refusal: `denied: <command> (<rule id, or why there is none>)`. */
export function denialMarker(denial: Denial): Marker {
  const { command, gate, why, rule, parent, n, silent } = denial;
  const from = parent === undefined ? '' : `, started by ${escapeText(parent, LABEL_MAX)}`;
  return {
    label: `denied: ${escapeText(command, LABEL_MAX)}${from} (${escapeText(rule ?? why, 100)})`,
    data: {
      type: 'denied',
      text: keep(command),
      why,
      gate,
      ...(rule === undefined ? {} : { rule }),
      ...(parent === undefined ? {} : { parent: keep(parent) }),
      ...(n === undefined ? {} : { n }),
      ...(silent ? { silent } : {}),
    },
  };
}

/** A running program ended: `ended: <command> (<what changed>: <rule id, or why there is none>)`. */
export function endedMarker({ command, why, rule, n, ended }: DecisionEvent & { ended: string }): Marker {
  return {
    label: `ended: ${escapeText(command, LABEL_MAX)} (${escapeText(ended, 200)}: ${escapeText(rule ?? why, 100)})`,
    data: { type: 'ended', text: keep(command), why, because: keep(ended), n, ...(rule === undefined ? {} : { rule }) },
  };
}

/** A command that is held, and what comes of it: `approved: deploy prod (by carol)`. */
export function heldMarker(step: HeldStep, text: string, more: Omit<Held, 'type' | 'text' | 'step'>): Marker {
  const { rule, by, id } = more;
  const told = [rule, id, by === undefined ? undefined : `by ${by}`].filter((word) => word !== undefined).join(', ');
  return {
    label: `${step}: ${escapeText(text, LABEL_MAX)}${told === '' ? '' : ` (${escapeText(told, 200)})`}`,
    data: { type: 'held', text: keep(text), step, ...more },
  };
}

type Held = Extract<MarkerData, { type: 'held' }>;

/** Anything else worth finding: a warning shown, rights that changed. */
export function noteMarker(text: string): Marker {
  return { label: `note: ${escapeText(text, LABEL_MAX)}`, data: { type: 'note', text: keep(text) } };
}

export function endMarker(trailer: Trailer): Marker {
  const { cause, status } = trailer;
  const shown = status === undefined ? '' : ` (status ${status})`;
  return { label: `end: ${cause}${shown}`, data: { type: 'end', cause, ...(status === undefined ? {} : { status }) } };
}

/** Whether a marker is a command, typed or refused, that contains `part`. */
export function markerMatches(marker: { label: string; data?: MarkerData }, part: string): boolean {
  const { data } = marker;
  return (data?.type === 'line' || data?.type === 'denied' || data?.type === 'ended') && data.text.includes(part);
}

function keep(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text;
}
