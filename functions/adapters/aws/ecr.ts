/** The digests of images in Amazon ECR. */
import { BatchGetImageCommand, ECRClient } from '@aws-sdk/client-ecr';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

/** An index, as it is pushed for several platforms, has to be among them: ECR picks a platform otherwise. */
const MEDIA_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

export const createEcrClient = () => withTimeLimit(new ECRClient(awsClientDefaults()));

/** The digest of an image, followed by those of its platforms. Undefined where there is no such image, or repository. */
export async function imageDigests(
  client: Pick<ECRClient, 'send'>,
  image: { readonly registryId: string; readonly repositoryName: string; readonly version: string },
): Promise<readonly string[] | undefined> {
  const { registryId, repositoryName, version } = image;
  const imageId = version.startsWith('sha256:') ? { imageDigest: version } : { imageTag: version };
  try {
    const reply = await client.send(
      new BatchGetImageCommand({
        registryId,
        repositoryName,
        imageIds: [imageId],
        acceptedMediaTypes: MEDIA_TYPES,
      }),
    );
    const [found] = reply.images ?? [];
    const digest = found?.imageId?.imageDigest;
    if (digest) return [digest, ...platformsOf(found.imageManifest)];
    const [failure] = reply.failures ?? [];
    if (failure?.failureCode === 'ImageNotFound') return undefined;
    throw new NightshiftError(
      `ECR did not return ${repositoryName}:${version}: ${failure?.failureCode ?? 'no reason'} ${failure?.failureReason ?? ''}`.trim(),
    );
  } catch (error) {
    if (errorName(error) === 'RepositoryNotFoundException') return undefined;
    throw error;
  }
}

/** Of an index; none for the image of one platform. */
function platformsOf(manifest: string | undefined): readonly string[] {
  const { manifests } = JSON.parse(manifest ?? '{}') as { readonly manifests?: unknown };
  if (!Array.isArray(manifests)) return [];
  return manifests.flatMap((one: { readonly digest?: unknown }) =>
    typeof one.digest === 'string' ? [one.digest] : [],
  );
}
