import { MAX_VIEW, type Run } from '../wire/watch.js';

/** Around each run and row in a message. Characters. */
const RUN_COST = 40;

const costOf = (runs: readonly Run[]): number =>
  runs.reduce((sum, run) => sum + run.text.length + (run.style?.length ?? 0) + RUN_COST, RUN_COST);

/** A screen's rows, what is too much of them for one view left out: styles first, marks then, and characters of two units last. */
export function boundedRows(rows: readonly Run[][], max = MAX_VIEW): readonly Run[][] {
  let fitting = rows;
  for (const simpler of [plain, bare, flat]) {
    if (fitting.reduce((sum, runs) => sum + costOf(runs), 0) <= max) return fitting;
    fitting = fitting.map(simpler);
  }
  return fitting;
}

/** Without styles. */
function plain(runs: readonly Run[]): Run[] {
  const merged: Run[] = [];
  for (const { style: _, ...run } of runs) {
    const last = merged.at(-1);
    if (last && !last.joined && !run.joined && last.wide === run.wide) last.text += run.text;
    else merged.push(run);
  }
  return merged;
}

/** Without marks. */
function bare(runs: readonly Run[]): Run[] {
  return plain(
    runs.map(({ joined, ...run }) =>
      joined ? { ...run, text: String.fromCodePoint(run.text.codePointAt(0) ?? 0x20) } : run,
    ),
  );
}

/** Every character one unit and one cell, so that a row is one run. */
function flat(runs: readonly Run[]): Run[] {
  const text = runs.map(({ text, wide }) =>
    text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '?').replace(/./gs, wide ? '$& ' : '$&'),
  );
  return [{ text: text.join('') }];
}
