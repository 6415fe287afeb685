import { defineConfig } from 'vitest/config';

/** For `npm run mutation`: the tests that hold the pure modules, and none that takes long. */
export default defineConfig({
  test: {
    include: ['test/model/**/*.test.ts', 'test/functions/*/{decide,claim}*.test.ts'],
    environment: 'node',
    pool: 'forks',
  },
});
