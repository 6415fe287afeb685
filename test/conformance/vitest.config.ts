import { defineConfig } from 'vitest/config';

/** For `npm run conformance`: suites that need servers written by others. */
export default defineConfig({
  test: {
    include: ['test/conformance/*/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    // Servers of others, on a machine that is busy with all of them.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
