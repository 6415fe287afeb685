import { defineConfig } from 'vitest/config';

/** For `npm run mutation`: the tests that hold the pure modules, and none that takes long. */
export default defineConfig({
  test: {
    include: ['test/model/**/*.test.ts', 'test/functions/*/{decide,claim}*.test.ts'],
    // Ten years in every zone: minutes for each mutant, and nothing that the other tests do not find.
    exclude: ['test/model/every-zone.test.ts'],
    testTimeout: 60_000,
    environment: 'node',
    pool: 'forks',
  },
});
