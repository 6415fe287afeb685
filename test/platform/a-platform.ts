/** The platform of the example, with changes, synthesized without bundling: templates do not depend on the functions. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import nightshift from '../../examples/platform/nightshift.config.ts';
import platform from '../../examples/platform/platform.config.ts';
import { PlatformApp } from '../../examples/platform/platform-app.ts';
import type { PlatformConfig, PlatformEnvironment } from '../../examples/platform/platform-config.ts';
import { PlatformStack } from '../../examples/platform/platform-stack.ts';

export { nightshift, platform };

export const NOW = new Date('2026-11-24T00:00:00Z');

const assemblies = mkdtempSync(join(tmpdir(), 'nightshift-platform-'));
const context = { 'aws:cdk:bundling-stacks': [] };

export type EnvironmentName = 'develop' | 'staging' | 'production' | 'sandbox';

export function aPlatform(
  name: EnvironmentName,
  changes: (environment: PlatformEnvironment) => Partial<PlatformEnvironment>,
): PlatformConfig {
  const environment = platform.environments[name] as PlatformEnvironment;
  return {
    ...platform,
    environments: { ...platform.environments, [name]: { ...environment, ...changes(environment) } },
  };
}

export function aPlatformApp(config: PlatformConfig = platform): PlatformApp {
  const outdir = mkdtempSync(join(assemblies, 'app-'));
  return new PlatformApp({ platform: config, nightshift, now: NOW, context, outdir });
}

/** One environment's stack, without the checks of the app. */
export function platformStackOf(environment: EnvironmentName, config: PlatformConfig = platform) {
  const outdir = mkdtempSync(join(assemblies, 'app-'));
  const app = new App({ context, outdir, analyticsReporting: false });
  const id = `Platform-${environment}`;
  const stack = new PlatformStack(app, id, { platform: config, nightshift, environment });
  return { stack, template: Template.fromStack(stack), file: join(outdir, `${id}.template.json`) };
}
