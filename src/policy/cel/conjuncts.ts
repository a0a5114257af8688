/**
 * The parts of a condition that must all be true, in its own text. One that is not plainly `a && b`, with an `||` or a
 * `?` outside parentheses, is one part.
 */
export function conjunctsOf(text: string): string[] {
  const outer = outermost(text);
  if (/\|\||\?/.test(outer)) return [text];
  const cuts = [...outer.matchAll(/&&/g)].map(({ index }) => index);
  return [...cuts, text.length].map((end, i) => text.slice(i === 0 ? 0 : (cuts[i - 1] ?? 0) + 2, end).trim());
}

/** The text with everything quoted blanked, its length kept. */
export function unquoted(text: string): string {
  return text.replace(/(['"])(?:\\.|(?!\1).)*\1/gs, (quoted) => ' '.repeat(quoted.length));
}

/** The text with everything quoted or in parentheses blanked, its length kept. */
function outermost(text: string): string {
  let depth = 0;
  return [...unquoted(text)]
    .map((c) => {
      if ('([{'.includes(c)) depth += 1;
      else if (')]}'.includes(c)) depth -= 1;
      return depth === 0 ? c : ' '.repeat(c.length);
    })
    .join('');
}

/** A condition as a person would say it: durations and moments without their wrapping. */
export function plainCondition(text: string): string {
  return text.replace(/\b(?:duration|timestamp)\(\s*(['"])([^'"]*)\1\s*\)/g, '$2').replace(/\s+/g, ' ');
}
