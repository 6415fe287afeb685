/** The code of a function as the CDK takes it: bundled now in the repository, finished in the published package. */
import { dirname } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Capability } from '#model/decision.ts';
import { bundle, handlerOf, publishedBundle } from './function-bundle.ts';

/**
 * Bundled once for all stacks of an app: the staging of the assets knows it again by the folder. Stacks that are not
 * asked for (`aws:cdk:bundling-stacks`) are not bundled.
 */
export function functionCode(capability: Capability): Code {
  const published = publishedBundle(capability);
  if (published !== undefined) return Code.fromAsset(published);
  return Code.fromAsset(dirname(handlerOf(capability)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('node:24'),
      local: {
        tryBundle: (directory: string) => {
          bundle(capability, directory);
          return true;
        },
      },
    },
  });
}
