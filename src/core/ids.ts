import { monotonicFactory } from 'ulid';

const next = monotonicFactory();

/** A new id: 26 lower-case ULID characters; ids sort by time, also within one millisecond of one process. */
export function newId(): string {
  return next().toLowerCase();
}

export const ID_PATTERN = /^[0-9a-hjkmnp-tv-z]{26}$/;
