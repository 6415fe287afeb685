/** The CDK app. `npm run synth` runs it with the CDK; run directly, it writes the assembly into CDK_OUTDIR. */
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { ConfigError, loadConfig } from '#lib/config-file.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';

try {
  const { config } = await loadConfig();
  const app = new NightshiftApp({ config, now: new Date() });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
