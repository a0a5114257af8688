import { afterEach, describe, expect, test } from 'vitest';
import { tryRights } from './rights.js';
import { startTerminal, type Terminal, type TerminalOptions } from './terminal.js';

let terminal: Terminal | undefined;
const start = async (options: Partial<TerminalOptions> = {}) => {
  terminal = await startTerminal({ rights: tryRights, ...options });
  await terminal.until('@@');
  return terminal;
};
afterEach(() => terminal?.stop());

const DENIED = 'sallyport: denied: rm -rf x (no-rm: denied by rule)';

describe('a refused line', () => {
  test('stays on the screen, is followed by the denial, runs nothing and leaves $? and PIPESTATUS', async () => {
    const t = await start();
    await t.run('touch before; true | (exit 3)', /@@$/);
    await t.run('touch after; rm -rf x', 'sallyport: denied');
    const screen = await t.run('echo "s=$?" p="${PIPESTATUS[*]}" && ls', /before\n@@/);
    expect(screen).toContain(`@@ touch after; rm -rf x\n${DENIED}\n@@ echo`);
    expect(screen).toContain('s=3');
    expect(screen).not.toContain('\nafter');
    expect(t.refused.map((r) => r.text)).toEqual(['touch after; rm -rf x']);
  });
});
