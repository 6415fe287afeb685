/** Synthesizes a stack that needs no CDK bootstrap: its files are in a bucket that a parameter names. */
import {
  CfnParameter,
  type DockerImageAssetLocation,
  type DockerImageAssetSource,
  type FileAssetLocation,
  type FileAssetSource,
  Fn,
  type IBoundStackSynthesizer,
  type ISynthesisSession,
  type Stack,
  StackSynthesizer,
} from 'aws-cdk-lib';

export const BUCKET_PARAMETER = 'ArtifactBucket';
export const PREFIX_PARAMETER = 'ArtifactPrefix';
export const DEFAULT_PREFIX = 'nightshift';

export interface FileAsset {
  /** Folder or file, relative to the assembly. */
  readonly source: string;
  /** Below the prefix. */
  readonly key: string;
}

/** For one stack. */
export class BucketSynthesizer extends StackSynthesizer {
  readonly #assets = new Map<string, FileAsset>();

  /** What the bucket has to hold. */
  get assets(): readonly FileAsset[] {
    return [...this.#assets.values()];
  }

  /** The type of the CDK does not know `exactOptionalPropertyTypes`. */
  reusableBind(stack: Stack): IBoundStackSynthesizer {
    this.bind(stack);
    return this as unknown as IBoundStackSynthesizer;
  }

  override bind(stack: Stack): void {
    super.bind(stack);
    new CfnParameter(stack, BUCKET_PARAMETER, {
      type: 'String',
      description: 'the S3 bucket of this region that holds the zips of the functions',
    });
    new CfnParameter(stack, PREFIX_PARAMETER, {
      type: 'String',
      default: DEFAULT_PREFIX,
      description: 'what the keys of the zips begin with, without a slash at the end',
    });
  }

  override addFileAsset({ fileName, sourceHash }: FileAssetSource): FileAssetLocation {
    if (fileName === undefined) throw new Error(`the asset ${sourceHash} has no file`);
    const key = `${sourceHash}.zip`;
    this.#assets.set(key, { source: fileName, key });
    const bucketName = Fn.ref(BUCKET_PARAMETER);
    const objectKey = Fn.join('/', [Fn.ref(PREFIX_PARAMETER), key]);
    const url = Fn.join('', ['https://', bucketName, '.s3.', Fn.ref('AWS::URLSuffix'), '/', objectKey]);
    return {
      bucketName,
      objectKey,
      httpUrl: url,
      s3ObjectUrl: Fn.join('', ['s3://', bucketName, '/', objectKey]),
    };
  }

  override addDockerImageAsset({ sourceHash }: DockerImageAssetSource): DockerImageAssetLocation {
    throw new Error(`the image ${sourceHash} cannot be in a bucket`);
  }

  override synthesize(session: ISynthesisSession): void {
    this.synthesizeTemplate(session);
    this.emitArtifact(session);
  }
}
