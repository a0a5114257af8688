import { expect, it } from 'vitest';
import { processLines } from '../../src/cli/process-tree.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const base = { inner: 1, children: 'checked', startedAt: '2026-11-23T11:59:00Z' } as const;

type Detail = Parameters<typeof processLines>[0];
const linesOf = (detail: Partial<Detail>) => processLines(detail as Detail, NOW);

it('each process stands below the one that started it, with its right', () => {
  const processes: Detail['processes'] = [
    { ...base, pid: 13, ppid: 12, argv: ['less', 'a b'], why: 'trusted' },
    { ...base, pid: 10, ppid: 3, argv: ['-bash'], why: 'shell' },
    { ...base, pid: 12, ppid: 10, argv: ['psql', 'prod'], why: 'rule', rule: 'dba', children: 'trusted' },
    { ...base, pid: 14, ppid: 10, argv: ['x\u001b[31m'], why: 'rule', rule: 'base' },
    { ...base, pid: 15, ppid: 3, argv: [], why: 'unknown' },
  ];
  expect(linesOf({ processes, moreProcesses: 3 })).toEqual([
    "10 -bash  [the session's shell, 1m]",
    '├─ 12 psql prod  [rule dba, children trusted, 1m]',
    "│  └─ 13 less 'a b'  [trusted by its parent, 1m]",
    "└─ 14 'x\\e[31m'  [rule base, 1m]",
    '15   [not known: it began or ended just now, 1m]',
    'and 3 more',
  ]);
});

it('says why nothing is known, and draws what no session could hold without an end or a fall', () => {
  expect(linesOf({ processesNote: 'not known: the door did not answer in time' })).toEqual([
    'processes: not known: the door did not answer in time',
  ]);
  expect(linesOf({ processes: [] })).toEqual(['no processes']);
  const chain = Array.from({ length: 2_000 }, (_, i) => ({
    ...base,
    pid: i + 1,
    ppid: i,
    argv: ['x'],
    why: 'shell' as const,
  }));
  const lines = linesOf({ processes: chain });
  expect(lines).toHaveLength(2_000);
  expect(Math.max(...lines.map((l) => l.length))).toBeLessThan(200);
  // Numbers that point at each other.
  const loop = [1, 2].map((pid) => ({ ...base, pid, ppid: 3 - pid, argv: ['x'], why: 'shell' as const }));
  expect(linesOf({ processes: loop })).toHaveLength(2);
});
