/** The lab's ECR as the adapter hears it, without HTTP. */
import type { ECRClient } from '@aws-sdk/client-ecr';
import { ecrService } from '@nightshift/lab/http/ecr.ts';
import { AwsError } from '@nightshift/lab/world/aws/error.ts';
import type { ImageRegistry, Place } from '@nightshift/lab/world/registry/registry.ts';
import { imageDigests } from '#functions/adapters/aws/ecr.ts';
import { createRegistry } from '#functions/adapters/aws/lazy-clients.ts';
import type { Registry } from '#functions/branch-deploy/ports.ts';

export function createLabRegistry(images: ImageRegistry, place: Place): Registry {
  const service = ecrService(images);
  const client = {
    async send({ input }: { input: object }) {
      try {
        return await service.handle({ ...place, operation: 'BatchGetImage', parameters: input } as never);
      } catch (error) {
        if (error instanceof AwsError) throw Object.assign(new Error(error.message), { name: error.code });
        throw error;
      }
    },
  } as unknown as Pick<ECRClient, 'send'>;
  return createRegistry(place, (repositoryName, version) =>
    imageDigests(client, { registryId: place.account, repositoryName, version }),
  );
}
