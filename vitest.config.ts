import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** They load a function's handler, which reads its settings from the environment once. */
const HANDLERS = ['test/functions/*/handler.test.ts', 'test/functions/night-schedule/calls.test.ts'];

const SHARED_BUNDLE = fileURLToPath(new URL('test/shared-bundle.ts', import.meta.url));

/** What `npm test` does once, and not in each file. */
const ONCE = {
  resolve: {
    alias: Object.fromEntries(
      ['./function-bundle.ts', '#lib/bundle/function-bundle.ts'].map((name) => [name, SHARED_BUNDLE]),
    ),
  },
  // The rules of CloudFormation for a template: test/infra/synth.test.ts has them on, in a template with every option.
  env: { CDK_VALIDATION: 'false' },
};

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
        resolve: ONCE.resolve,
        test: {
          name: 'shared',
          env: ONCE.env,
          include: ['test/**/*.test.ts', 'lab/test/**/*.test.ts'],
          // `npm run conformance` has those: they need servers that Node alone does not bring.
          exclude: [...HANDLERS, 'test/conformance/*/**', 'test/slow/**'],
          // A worker loads the CDK and the SDK once, not once for each file.
          isolate: false,
        },
      },
      { extends: true, resolve: ONCE.resolve, test: { name: 'alone', env: ONCE.env, include: HANDLERS } },
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
