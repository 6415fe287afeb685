import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: { include: ['model/**', 'functions/**', 'lib/**', 'cli/**', 'lab/**'] },
  },
});
