import { describe, expect, it } from 'vitest';
import { denialMarker, endMarker, lineMarker, markerMatches, noteMarker } from '../../src/record/index.js';
import { eventsOf, start } from './helpers.js';

const NASTY = 'echo \u001b]52;c;eA==\u0007\n\u202e';

describe('markers', () => {
  it('have one escaped line for people and the very text for programs', () => {
    expect(lineMarker(NASTY, 3)).toEqual({
      label: 'line: echo \\e]52;c;eA==\\x07\\n\\u202e',
      data: { type: 'line', text: NASTY, n: 3 },
    });
    expect(denialMarker({ command: 'rm -rf /', gate: 'exec', why: 'rule', rule: 'no-wipe', parent: 'make x' })).toEqual(
      {
        label: 'denied: rm -rf /, started by make x (no-wipe)',
        data: { type: 'denied', text: 'rm -rf /', why: 'rule', gate: 'exec', rule: 'no-wipe', parent: 'make x' },
      },
    );
    expect(denialMarker({ command: 'x', gate: 'line', why: 'no-rule' }).label).toBe('denied: x (no-rule)');
    expect(noteMarker('idle').label).toBe('note: idle');
    expect(endMarker({ cause: 'killed', status: 254 }).label).toBe('end: killed (status 254)');
  });

  it('are cut where they grow beyond use', () => {
    const { label, data } = lineMarker('x'.repeat(100_000));
    expect(label.length).toBeLessThan(310);
    expect(JSON.stringify(data).length).toBeLessThan(17_000);
  });

  it('survive the file, data and all', async () => {
    const { recorder, path } = start();
    const written = [
      lineMarker(NASTY),
      denialMarker({ command: 'a\\"b', gate: 'line', why: 'error', n: 1, silent: true }),
    ];
    for (const marker of written) recorder.marker(marker);
    recorder.marker('plain');
    recorder.marker('with data', { type: 'note', text: 'x' });
    await recorder.close({ cause: 'exit', status: 0 });
    const read = (await eventsOf(path)).map((event) => {
      if (event.kind !== 'marker') throw new Error(event.kind);
      return event.data === undefined ? { label: event.label } : { label: event.label, data: event.data };
    });
    const plain = [{ label: 'plain' }, { label: 'with data', data: { type: 'note', text: 'x' } }];
    expect(read).toEqual([...written, ...plain, endMarker({ cause: 'exit', status: 0 })]);
  });

  it('match as commands only where they are commands', () => {
    expect(markerMatches(lineMarker('git push'), 'push')).toBe(true);
    expect(markerMatches(noteMarker('git push'), 'push')).toBe(false);
    expect(markerMatches({ label: 'line: git push' }, 'push')).toBe(false);
  });
});
