/**
 * Whether a target pattern means this target: its name or one of its groups. `*` is any characters, alone every
 * target. Linear in the lengths.
 */
export function matchTarget(pattern: string, target: string, groups: readonly string[]): boolean {
  if (pattern === '*' || pattern === target) return true;
  if (!pattern.includes('*')) return groups.includes(pattern);
  return glob(pattern, target) || groups.some((group) => glob(pattern, group));
}

/** `*` is any characters, everything else itself. Greedy with one backtrack point: O(pattern x text). */
export function glob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
