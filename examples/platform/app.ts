/** `npm run platform -- synth` runs this with the CDK; run directly, it writes the assembly into CDK_OUTDIR. */
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { ConfigError } from '#lib/index.ts';
import { PlatformError } from './check-platform.ts';
import nightshift from './nightshift.config.ts';
import platform from './platform.config.ts';
import { PlatformApp } from './platform-app.ts';

try {
  const app = new PlatformApp({ platform, nightshift, now: new Date() });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError) && !(error instanceof PlatformError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
