import { expect, it } from 'vitest';
import { createLife } from '../../src/session/life.js';

it('the first cause wins', async () => {
  const life = createLife();
  expect(life.end({ cause: 'idle' })).toBe(true);
  expect(life.end({ cause: 'killed' })).toBe(false);
  expect(await life.over).toEqual({ cause: 'idle' });
});
