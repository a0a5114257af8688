import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRefusalFilter } from '../../src/session/refusals.js';

describe('a refused program is shown', () => {
  it('once a session before the first accepted line', () => {
    const f = createRefusalFilter();
    expect([1, 2, 3].map(() => f.shouldShow('denied: lesspipe', ['lesspipe']))).toEqual([true, false, false]);
  });

  it('again when the last accepted line names it', () => {
    const f = createRefusalFilter();
    f.shouldShow('denied: rm x', ['rm']);
    f.accepted('env rm x');
    expect(f.shouldShow('denied: rm x', ['rm'])).toBe(true);
    expect(f.shouldShow('denied: rm x', ['rm'])).toBe(false);
    f.accepted('env rm x');
    expect(f.shouldShow('denied: rm x', ['rm'])).toBe(true);
  });

  it('not again when a prompt repeats it after an unrelated line', () => {
    const f = createRefusalFilter();
    f.shouldShow('denied: git status', ['git']);
    f.accepted('ls');
    expect(f.shouldShow('denied: git status', ['git'])).toBe(false);
  });

  it('once for each Enter where lines are not known', () => {
    const f = createRefusalFilter();
    f.accepted(undefined);
    expect(f.shouldShow('denied: rm x', ['rm'])).toBe(true);
    f.accepted(undefined);
    expect(f.shouldShow('denied: rm x', ['rm'])).toBe(true);
    expect(f.shouldShow('denied: rm x', ['rm'])).toBe(false);
  });

  it('with a memory that is bounded', () => {
    const f = createRefusalFilter();
    for (let i = 0; i < 5000; i += 1) f.shouldShow(`denied: ${i}`, []);
    expect(f.shouldShow('denied: 4999', [])).toBe(false);
    expect(f.shouldShow('denied: 0', [])).toBe(true);
  });

  const names = fc.constantFrom('rm', 'git', 'cc');
  const step = fc.oneof(
    fc.record({ line: fc.option(fc.constantFrom('ls', 'rm x', 'git status; rm x'), { nil: undefined }) }),
    fc.record({ name: names }),
  );
  it('the first time ever, and then at most once for each line, which names it or is not known', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let accepted = 0;
        const f = createRefusalFilter(() => {
          accepted += 1;
        });
        const ever = new Set<string>();
        let forLine = new Set<string>();
        let line: string | undefined;
        for (const s of steps) {
          if ('line' in s) {
            f.accepted(s.line);
            line = s.line;
            forLine = new Set();
            continue;
          }
          const shown = f.shouldShow(`denied: ${s.name}`, [s.name]);
          const again = accepted > 0 && !forLine.has(s.name) && (line?.includes(s.name) ?? true);
          expect(shown).toBe(!ever.has(s.name) || again);
          ever.add(s.name);
          if (shown) forLine.add(s.name);
        }
        expect(f.line).toBe(line);
      }),
    );
  });
});
