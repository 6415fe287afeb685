/** The KMS key of an environment's topics and queues, for accounts that require a key of their own. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { domainOf } from '#model/region.ts';
import { type CheckedEnvironment, checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';

/** The environment whose config has `encryptionKey`. */
export type EncryptionKeyProps = EnvironmentProps;

/** Creates the key, or takes the one that the config names. The policy of an existing key is not changed. */
export class EncryptionKey extends Construct {
  /** The key. */
  readonly key: IKey;

  constructor(scope: Construct, id: string, props: EncryptionKeyProps) {
    super(scope, id);
    const { name, config } = checkedEnvironment(props);
    const { encryptionKey } = config;
    if (encryptionKey === undefined) throw new Error(`${name} has no encryptionKey in its config`);
    this.key = encryptionKey === 'create' ? this.#create(name) : Key.fromKeyArn(this, 'Key', encryptionKey);
  }

  #create(environment: string): Key {
    const key = new Key(this, 'Key', {
      description: `topics and queues of eks-nightshift for ${environment}`,
      enableKeyRotation: true,
      // Longer than a queue holds a message.
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Alarms publish and EventBridge stores what it could not deliver as services, without a role.
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'LetServicesEncrypt',
        effect: Effect.ALLOW,
        principals: ['cloudwatch', 'events'].map(
          (service) => new ServicePrincipal(`${service}.amazonaws.com`),
        ),
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    return key;
  }
}

/** The key that the config asks for. Throws where it was not given. */
export function requiredKey(
  { name, config }: CheckedEnvironment,
  given: EncryptionKey | undefined,
): IKey | undefined {
  if (config.encryptionKey === undefined) return undefined;
  if (given) return given.key;
  throw new Error(
    `${name} has encryptionKey in its config, and no key was given: set encryptionKey to an EncryptionKey construct`,
  );
}

/** IAM condition: the key is used through these services of the region only. */
export function throughServices(region: string, ...services: readonly string[]) {
  return {
    StringEquals: { 'kms:ViaService': services.map((service) => `${service}.${region}.${domainOf(region)}`) },
  };
}
