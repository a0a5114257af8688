/** What may be called what. Names reach paths, terminals and policy rows only in these shapes. */
const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const TARGET = /^[a-z0-9][a-z0-9._/-]{0,63}$/;
const PATTERN = /^[a-z0-9._/*-]{1,256}$/;
const ROLE = /^[A-Za-z0-9_][A-Za-z0-9._:/-]{0,63}$/;
const ACCOUNT = /^[a-z_][a-z0-9._-]{0,31}$/;
const LABEL = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** Empty, `.` and `..` segments would turn a name into a path elsewhere. */
const cleanSegments = (name: string): boolean =>
  name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

export const isUserName = (name: string): boolean => USER.test(name);
export const isTargetName = (name: string): boolean => TARGET.test(name) && cleanSegments(name);
/** A target name, or one with `*` for any characters. */
export const isTargetPattern = (text: string): boolean => PATTERN.test(text) && cleanSegments(text);
export const isRoleName = (name: string): boolean => ROLE.test(name);
export const isAccountName = (name: string): boolean => ACCOUNT.test(name);
export const isLabelName = (name: string): boolean => LABEL.test(name);
/** OpenSSH's form of a key's SHA-256. */
export const isFingerprint = (text: string): boolean => FINGERPRINT.test(text);

/** The rule a name breaks, for messages. */
export const NAME_RULES = {
  user: 'user names are [a-z0-9][a-z0-9._-]{0,31}',
  target: 'target names are [a-z0-9][a-z0-9._/-]{0,63} without empty or .. parts',
  pattern: 'target patterns are made of [a-z0-9._/*-], without empty or .. parts',
  role: 'role names are [A-Za-z0-9_][A-Za-z0-9._:/-]{0,63}',
  account: 'account names are [a-z_][a-z0-9._-]{0,31}',
  label: 'label names are [A-Za-z_][A-Za-z0-9_]{0,63}',
} as const;

/** What this program is called where people say it to a session. */
export const OWN_NAME = 'sallyport';
/** Whether a line seems to mean this program, whatever else is in it. */
export const meansOwn = (line: string): boolean => /^\s*sallyport(?:\s|$)/.test(line);

/** The known word nearest to a misspelt one; undefined when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** Edit distance with swaps of neighbours (restricted Damerau-Levenshtein); words are cut at 64 characters. */
function distance(a: string, b: string): number {
  const s = a.slice(0, 64);
  const t = b.slice(0, 64);
  let before: number[] = [];
  let previous = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      const cost = s[i - 1] === t[j - 1] ? 0 : 1;
      let d = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + cost);
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) d = Math.min(d, at(before, j - 2) + 1);
      row.push(d);
    }
    before = previous;
    previous = row;
  }
  return at(previous, t.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
