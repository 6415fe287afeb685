/** The self-service capability: a page that people reach by signed links, and the key that signs them. */
import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { CfnTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CfnAlias, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { CfnPermission, FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { SignInConfig } from '#model/config.ts';
import { linkKeyAliasOf } from '#model/names.ts';
import { LINK_KEY_VARIABLE, PAGE_CONCURRENCY, PAGE_VARIABLE } from '#model/settings.ts';
import { checkedEnvironment } from './checked-environment.ts';
import { applyBoundary, type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';

/** The environment, its table and its topics. */
export type SelfServiceProps = CapabilityProps;

/**
 * The function behind a public address, which only shows a page to whoever has a link that its key has signed. Throws
 * for a production environment, and for one without `selfService.links`.
 */
export class SelfService extends Construct {
  /** The function, with its role, log and dead-letter queue. */
  readonly function: NightshiftFunction;
  /** Signs the links. KMS never gives it out; its functions may either sign or verify. */
  readonly key: Key;
  /** `https://….lambda-url.<region>.on.aws/`, or the address of `signIn`. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: SelfServiceProps) {
    super(scope, id);
    const environment = checkedEnvironment(props);
    const settings = environment.settings.selfService;
    if (environment.config.production)
      throw new Error(`${environment.name} is a production environment, which nobody may keep up by a link`);
    if (!settings)
      throw new Error(
        `${environment.name} has no page of self-service: set selfService.links in its config, and no dryRun`,
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
    // A policy of people names it by this: its id is not known before it is created.
    new CfnAlias(this, 'LinkKeyAlias', {
      aliasName: linkKeyAliasOf(environment.name),
      targetKeyId: this.key.keyArn,
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
      reservedConcurrency: PAGE_CONCURRENCY,
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
    const signIn = environment.config.selfService?.signIn;
    // Whoever opens a link has no AWS credentials: the link itself is checked. Adds both permissions that Lambda demands.
    this.url = signIn
      ? this.#behindLoadBalancer(environment.name, signIn)
      : this.function.lambda.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }).url;
  }

  /** A rule of the load balancer, which is not ours, signs people in and forwards to this group. */
  #behindLoadBalancer(environment: string, signIn: SignInConfig): string {
    // A name is unique in a region and has at most 32 characters.
    const name = `ns-${environment}`.slice(0, 32).replace(/-+$/, '');
    const arn = Stack.of(this).formatArn({
      service: 'elasticloadbalancing',
      resource: 'targetgroup',
      resourceName: `${name}/*`,
    });
    const permission = new CfnPermission(this, 'FromLoadBalancer', {
      action: 'lambda:InvokeFunction',
      functionName: this.function.lambda.functionArn,
      principal: 'elasticloadbalancing.amazonaws.com',
      // The id at the end is made with the group, which cannot have a target without this permission.
      sourceArn: arn,
    });
    const group = new CfnTargetGroup(this, 'TargetGroup', {
      name,
      targetType: 'lambda',
      targets: [{ id: this.function.lambda.functionArn }],
    });
    group.addResourceDependency(permission);
    new CfnOutput(Stack.of(this), 'SelfServiceTargetGroupArn', {
      value: group.ref,
      description: 'forward to it from the rule of the load balancer that signs people in',
    });
    return signIn.address;
  }

  /** Lets the function sign links, which its notifications then carry. */
  offerLinks(to: NightshiftFunction): void {
    to.lambda.addEnvironment(PAGE_VARIABLE, this.url);
    to.lambda.addEnvironment(LINK_KEY_VARIABLE, this.key.keyArn);
    to.allow({ sid: 'SignLinks', actions: ['kms:GenerateMac'], resources: [this.key.keyArn] });
  }
}
