import { expect, it } from 'vitest';
import { createOfferMemory } from '../../../src/session/held/memory.js';

it('one text is asked about once for each line', () => {
  const memory = createOfferMemory();
  memory.accepted('make');
  expect(memory.mayAsk('deploy', undefined)).toBe(true);
  expect(memory.mayAsk('deploy', undefined)).toBe(false);
  memory.accepted('make all');
  expect(memory.mayAsk('deploy', undefined)).toBe(true);
});

it('what the shell starts for its prompt is asked about once, but when a line names it or is the same', () => {
  const memory = createOfferMemory();
  memory.accepted('ls');
  expect(memory.mayAsk('git status', ['git'])).toBe(true);
  memory.accepted('pwd');
  expect(memory.mayAsk('git status', ['git'])).toBe(false);
  memory.accepted('git status');
  expect(memory.mayAsk('git status', ['git'])).toBe(true);
  memory.accepted('git status');
  expect(memory.mayAsk('git status', ['git'])).toBe(true);
});

it('where lines are not known, each may be asked about after Enter', () => {
  const memory = createOfferMemory();
  for (let i = 0; i < 2; i += 1) {
    memory.accepted(undefined);
    expect(memory.mayAsk('deploy', ['deploy'])).toBe(true);
    expect(memory.mayAsk('deploy', ['deploy'])).toBe(false);
  }
});
