import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need servers that Node alone does not bring: `npm run conformance`.
    exclude: ['test/conformance/**'],
    environment: 'node',
    pool: 'forks',
    // The default leaves one processor free, which on two of them is half of the machine.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: { include: ['model/**', 'functions/**', 'lib/**', 'cli/**', 'lab/**'] },
  },
});
