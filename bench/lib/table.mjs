/**
 * A result is { title, columns, rows: [[cell…]…], notes }; printed as a Markdown table with the columns lined up, so
 * that it can be read in a terminal and pasted into RESULTS.md.
 */
export function renderResult({ title, columns, rows, notes = [] }) {
  const all = [columns, ...rows].map((row) => row.map((cell) => String(cell)));
  const widths = columns.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length), 3));
  const line = (row) => `| ${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head, ...body] = all;
  const lines = [`## ${title}`, '', line(head), rule, ...body.map(line)];
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${note}`));
  return `${lines.join('\n')}\n`;
}
