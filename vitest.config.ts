import { defineConfig } from 'vitest/config';

/** They load a function's handler, which reads its settings from the environment once. */
const HANDLERS = ['test/functions/*/handler.test.ts', 'test/functions/night-schedule/calls.test.ts'];

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // The default leaves one processor free, which on two of them is half of the machine.
    maxWorkers: '100%',
    // A busy machine is slower by far, and no test may fail for that.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    globalSetup: 'test/temporary-folder.ts',
    coverage: { include: ['model/**', 'functions/**', 'lib/**', 'cli/**', 'demo/**', 'lab/**'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts', 'lab/test/**/*.test.ts'],
          // `npm run conformance` has those: they need servers that Node alone does not bring.
          exclude: [...HANDLERS, 'test/conformance/*/**', 'test/slow/**'],
          // A worker loads the CDK and the SDK once, not once for each file.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: HANDLERS } },
      // `npm run test:slow`: browsers, installed packages, a synth for each option, the removal of a stack.
      {
        extends: true,
        test: {
          name: 'slow',
          include: ['test/slow/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
