/** Each option by itself, with the rules of cdk-nag and the CDK's own check of templates. */
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { anAppOf } from '#test/infra/environments.ts';
import { configWith, OPTIONS, REFUSED } from '#test/infra/options.ts';

// The first of them loads the program that checks templates, which takes long on a busy machine.
describe('the option', () => {
  test.for(OPTIONS.filter((option) => !REFUSED.includes(option)))(
    '%s synthesizes without findings',
    (option) => {
      const app = anAppOf(configWith(option));
      Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
      expect(() => app.synth()).not.toThrow();
    },
  );
});
