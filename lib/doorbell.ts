/** The doorbell capability: requests to a sleeping cluster get a page, on which a press wakes it. */
import { createHash } from 'node:crypto';
import { ArnFormat, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { CfnTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPermission, FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { DoorbellConfig } from '#model/config.ts';
import { parseListenerArn } from '#model/doorbell.ts';
import { targetGroupNameOf } from '#model/names.ts';
import { DOORBELL_CONCURRENCY, DOORBELL_VARIABLE, LINK_KEY_VARIABLE } from '#model/settings.ts';
import { checkedEnvironment } from './checked-environment.ts';
import { applyBoundary, type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';

/** The environment, its table and its topics. */
export interface DoorbellProps extends CapabilityProps {
  /** Signs the links of self-service. */
  readonly linkKey: IKey;
}

/**
 * The function behind the page, with a target group for a load balancer or an address for CloudFront. Throws for a
 * production environment, and for one without `doorbell`.
 */
export class Doorbell extends Construct {
  /** The function, with its role, log and dead-letter queue. */
  readonly function: NightshiftFunction;
  /** Of the function; absent where no load balancer forwards to it. */
  readonly targetGroup?: CfnTargetGroup;
  /** `https://….lambda-url.<region>.on.aws/`, with `cloudFront`. */
  readonly url?: string;
  readonly #config: DoorbellConfig;

  constructor(scope: Construct, id: string, props: DoorbellProps) {
    super(scope, id);
    const environment = checkedEnvironment(props);
    const settings = environment.settings.doorbell;
    if (environment.config.production)
      throw new Error(`${environment.name} is a production environment, which is never stopped`);
    if (!settings || !environment.config.doorbell)
      throw new Error(`${environment.name} has no doorbell: set doorbell in its config, and no dryRun`);
    this.#config = environment.config.doorbell;

    applyBoundary(this, environment.config);
    this.function = new NightshiftFunction(this, 'Page', {
      ...props,
      environment,
      settings,
      capability: 'doorbell',
      memory: 256,
      // Amazon Q Developer waits no longer, and a browser not either.
      timeout: Duration.seconds(15),
      maxEventAge: Duration.minutes(1),
      retryAttempts: 0,
      reservedConcurrency: DOORBELL_CONCURRENCY,
    });
    this.function.lambda.addEnvironment(LINK_KEY_VARIABLE, props.linkKey.keyArn);
    this.function.allow({
      sid: 'VerifyLinks',
      actions: ['kms:VerifyMac'],
      resources: [props.linkKey.keyArn],
    });
    props.table.permit(this.function, {
      get: ['night', 'override'],
      list: ['override', 'ledger'],
      write: ['override', 'decision'],
    });
    if (this.#config.rules ?? this.#config.ingress)
      this.targetGroup = this.#createTargetGroup(environment.name);
    if (this.#config.cloudFront) {
      // A browser has no AWS credentials: it may only show the page, and press its button.
      this.url = this.function.lambda.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }).url;
      new CfnOutput(this, 'Address', {
        value: this.url,
        description: 'the second origin of a CloudFront origin group',
      });
    }
  }

  /** Lets night-schedule put the rules in place and remove them. Does nothing without `rules`. */
  offerRules(to: NightshiftFunction): void {
    const listener = this.#config.rules?.listener;
    const place = parseListenerArn(listener ?? '');
    if (!listener || !place || !this.targetGroup) return;
    to.lambda.addEnvironment(DOORBELL_VARIABLE, this.targetGroup.ref);
    to.allow({
      sid: 'SeeListener',
      actions: [
        'elasticloadbalancing:DescribeRules',
        'elasticloadbalancing:DescribeTags',
        'elasticloadbalancing:DescribeTargetHealth',
      ],
      resources: ['*'],
      wildcardReason: 'Elastic Load Balancing does not take a resource for its Describe actions.',
    });
    to.allow({
      sid: 'CreateDoorbellRules',
      actions: ['elasticloadbalancing:CreateRule'],
      resources: [listener],
    });
    to.allow({
      sid: 'RemoveDoorbellRules',
      actions: ['elasticloadbalancing:DeleteRule'],
      resources: [`${place.rulePrefix}*`],
      wildcardReason: 'The ARN of a rule ends in an id that is unknown at synth; the listener is named.',
    });
  }

  /** The permission names the group by its name, because each would need the ARN of the other. */
  #createTargetGroup(environment: string): CfnTargetGroup {
    const name = targetGroupNameOf(environment, (text) => createHash('sha256').update(text).digest('hex'));
    const permission = new CfnPermission(this, 'LetLoadBalancerIn', {
      action: 'lambda:InvokeFunction',
      functionName: this.function.lambda.functionArn,
      principal: new ServicePrincipal('elasticloadbalancing.amazonaws.com').service,
      sourceArn: Stack.of(this).formatArn({
        service: 'elasticloadbalancing',
        resource: 'targetgroup',
        resourceName: `${name}/*`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    });
    const group = new CfnTargetGroup(this, 'Targets', {
      name,
      targetType: 'lambda',
      targets: [{ id: this.function.lambda.functionArn }],
    });
    // Elastic Load Balancing tries the permission when the function becomes a target.
    group.addResourceDependency(permission);
    new CfnOutput(this, 'TargetGroupArn', {
      value: group.ref,
      description: 'the target group of the doorbell: nightshift doorbell-ingress takes it',
    });
    return group;
  }
}
