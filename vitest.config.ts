import { defineConfig } from 'vitest/config';

// Two projects: pure rooms run in parallel; end-to-end tests start real brokers and are kept to a few at a time
// because each owns several processes on what may be a two-core machine.
// What comes late on a busy machine gets a second try, and the run shows it as `(retry x1)`; what is wrong gets none.
const retry = { count: 1, condition: /^(late: |Test timed out in )/ };

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/ground.ts',
    projects: [
      { test: { name: 'rooms', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 40_000, retry } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
