import { defineConfig } from 'vitest/config';

/** They load a function's handler, which reads its settings from the environment once. */
const HANDLERS = ['test/functions/*/handler.test.ts', 'test/functions/night-schedule/calls.test.ts'];

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // The default leaves one processor free, which on two of them is half of the machine.
    maxWorkers: '100%',
    // The CDK checks each template with a program that takes a second to load, and far more on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
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
      // `npm run test:slow`: browsers, installed packages, a synth for each option.
      { extends: true, test: { name: 'slow', include: ['test/slow/**/*.test.ts'] } },
    ],
  },
});
