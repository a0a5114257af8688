import { expect, it } from 'vitest';
import { createLife } from '../../src/session/life.js';
import { createScreen } from '../../src/session/screen.js';

it('the first cause wins', async () => {
  const life = createLife();
  expect(life.end({ cause: 'idle' })).toBe(true);
  expect(life.end({ cause: 'killed' })).toBe(false);
  expect(await life.over).toEqual({ cause: 'idle' });
});

it('our own lines stand on lines of their own', () => {
  const screen = createScreen(true);
  expect(screen.line('a').toString()).toBe('a\r\n');
  screen.saw(Buffer.from('$ '));
  expect(screen.line('a').toString()).toBe('\r\na\r\n');
  screen.saw(Buffer.from('\r\n'));
  expect(screen.line('a').toString()).toBe('a\r\n');
});

it('a full-screen program is left before the last words, and only then', () => {
  const screen = createScreen(true);
  expect(screen.restore()).toBe('');
  screen.saw(Buffer.from('x\x1b[?1049h'));
  expect(screen.restore()).toContain('\x1b[?1049l');
  screen.saw(Buffer.from('\x1b[?1049l'));
  expect(screen.restore()).toBe('');
});
