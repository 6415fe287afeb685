/** ECR on the lab's AWS endpoint: JSON 1.1, `X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.<Operation>`. */
import { AwsError } from '../world/aws/error.ts';
import type { ImageRegistry, PushedImage } from '../world/registry/registry.ts';
import { type AwsRequest, type AwsService, unknownOperation } from './aws/service.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** API reference: "imageIds: Minimum number of 1 item. Maximum number of 100 items." */
const MOST_IDS = 100;

export function ecrService(registry: ImageRegistry): AwsService {
  return {
    service: 'ecr',
    protocol: 'json-1.1',
    target: 'AmazonEC2ContainerRegistry_V20150921',
    resource: ({ account, region, parameters }) =>
      `arn:aws:ecr:${region}:${String(parameters['registryId'] ?? account)}:repository/${String(parameters['repositoryName'])}`,
    handle: (request) =>
      request.operation === 'BatchGetImage' ? batchGetImage(registry, request) : unknownOperation,
  };
}

function batchGetImage(registry: ImageRegistry, request: AwsRequest) {
  const { region, parameters } = request;
  const account = String(parameters['registryId'] ?? request.account);
  const name = parameters['repositoryName'];
  if (typeof name !== 'string' || name === '')
    throw new AwsError('InvalidParameterException', "Invalid parameter at 'repositoryName'");
  const ids = parameters['imageIds'];
  if (!Array.isArray(ids) || ids.length < 1 || ids.length > MOST_IDS)
    throw new AwsError('InvalidParameterException', "Invalid parameter at 'imageIds'");
  const place = { account, region };
  if (!registry.has(place, name))
    throw new AwsError(
      'RepositoryNotFoundException',
      `The repository with name '${name}' does not exist in the registry with id '${account}'`,
    );
  const accepted = parameters['acceptedMediaTypes'];
  const found = ids.map((id: { imageTag?: string; imageDigest?: string }) => ({
    id,
    image: registry.find(place, name, {
      ...(id.imageDigest ? { digest: id.imageDigest } : {}),
      ...(id.imageTag ? { tag: id.imageTag } : {}),
    }),
  }));
  return {
    images: found.flatMap(({ id, image }) => {
      if (!image) return [];
      const { digest, mediaType, manifest } = shown(image, Array.isArray(accepted) ? accepted : []);
      return [
        {
          registryId: account,
          repositoryName: name,
          imageId: { imageDigest: digest, ...(id.imageTag ? { imageTag: id.imageTag } : {}) },
          imageManifest: manifest,
          imageManifestMediaType: mediaType,
        },
      ];
    }),
    failures: found.flatMap(({ id, image }) =>
      image
        ? []
        : [{ imageId: id, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' }],
    ),
  };
}

/** An index is returned only to those who accept it; others get its first platform. */
function shown(image: PushedImage, accepted: readonly unknown[]) {
  const [first] = image.platforms;
  if (first === undefined || !accepted.includes(INDEX)) {
    const digest = first ?? image.digest;
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [] });
    return { digest, mediaType: MANIFEST, manifest };
  }
  const manifests = image.platforms.map((digest, index) => ({
    mediaType: MANIFEST,
    digest,
    size: 500,
    platform: { architecture: index === 0 ? 'arm64' : 'amd64', os: 'linux' },
  }));
  return {
    digest: image.digest,
    mediaType: INDEX,
    manifest: JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }),
  };
}
