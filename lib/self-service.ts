/** The self-service capability: a page that people reach by signed links, and the key that signs them. */
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { LINK_KEY_VARIABLE, PAGE_VARIABLE } from '#model/settings.ts';
import { checkedEnvironment } from './checked-environment.ts';
import { applyBoundary, type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';

/** The environment, its table and its topics. */
export type SelfServiceProps = CapabilityProps;

/** People who open the page at the same time: more wait. A flood takes no concurrency from the other functions. */
const CONCURRENCY = 3;

/**
 * The function behind a public address, which only shows a page to whoever has a link that its key has signed. Throws
 * for a production environment, and for one without `selfService`.
 */
export class SelfService extends Construct {
  /** The function, with its role, log and dead-letter queue. */
  readonly function: NightshiftFunction;
  /** Signs the links. KMS never gives it out; its functions may either sign or verify. */
  readonly key: Key;
  /** `https://….lambda-url.<region>.on.aws/` */
  readonly url: string;

  constructor(scope: Construct, id: string, props: SelfServiceProps) {
    super(scope, id);
    const environment = checkedEnvironment(props);
    const settings = environment.settings.selfService;
    if (environment.config.production)
      throw new Error(`${environment.name} is a production environment, which nobody may keep up by a link`);
    if (!settings)
      throw new Error(
        `${environment.name} has no self-service: set selfService in its config, and no dryRun`,
      );

    applyBoundary(this, environment.config);
    this.key = new Key(this, 'LinkKey', {
      description: `signs the self-service links of eks-nightshift for ${environment.name}`,
      keySpec: KeySpec.HMAC_256,
      keyUsage: KeyUsage.GENERATE_VERIFY_MAC,
      // Nothing is lost with it but the links of one night; a retained key costs a dollar a month.
      removalPolicy: RemovalPolicy.DESTROY,
      pendingWindow: Duration.days(7),
    });
    Validations.of(this.key).acknowledge({
      id: 'AwsSolutions-KMS5',
      reason: 'KMS does not rotate HMAC keys; a new generation of links revokes those that were sent.',
    });
    this.function = new NightshiftFunction(this, 'Page', {
      ...props,
      environment,
      settings,
      capability: 'self-service',
      memory: 256,
      timeout: Duration.seconds(15),
      maxEventAge: Duration.minutes(1),
      retryAttempts: 0,
      reservedConcurrency: CONCURRENCY,
    });
    this.function.lambda.addEnvironment(LINK_KEY_VARIABLE, this.key.keyArn);
    this.function.allow({
      sid: 'VerifyLinks',
      actions: ['kms:VerifyMac'],
      resources: [this.key.keyArn],
    });
    props.table.permit(this.function, {
      get: ['night', 'override'],
      list: ['override', 'ledger', 'decision'],
      write: ['override', 'decision'],
    });
    // Whoever opens a link has no AWS credentials: the link itself is checked. Adds both permissions that Lambda demands.
    this.url = this.function.lambda.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }).url;
  }

  /** Lets the function sign links, which its notifications then carry. */
  offerLinks(to: NightshiftFunction): void {
    to.lambda.addEnvironment(PAGE_VARIABLE, this.url);
    to.lambda.addEnvironment(LINK_KEY_VARIABLE, this.key.keyArn);
    to.allow({ sid: 'SignLinks', actions: ['kms:GenerateMac'], resources: [this.key.keyArn] });
  }
}
