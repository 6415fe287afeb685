/** The CDK app. `npm run synth` runs it with the CDK; run directly, it writes the assembly into CDK_OUTDIR. */
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { runApp } from '#lib/run-app.ts';

await runApp({
  prepare: (app) => Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app)),
});
