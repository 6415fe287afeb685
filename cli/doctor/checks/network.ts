/** Can the functions reach the API of the cluster, and AWS? */
import type { EnvironmentFacts, VpcFacts } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

const GUIDE = 'docs/deploy.md, "A private cluster"';

export const network: Check = {
  name: 'network',
  why: 'a function that cannot reach the cluster neither drains a node nor brings one back',
  evaluate: (facts) =>
    whenObserved([facts.cluster], ({ publicAccess, privateAccess, publicAccessCidrs }) => {
      const isOpen = publicAccess && publicAccessCidrs.includes('0.0.0.0/0');
      if (facts.environment.network)
        return [
          ...whenObserved([facts.vpc], (vpc) => wayToAws(facts, vpc)),
          ...(privateAccess || isOpen ? [] : [closedFor('the addresses of the NAT gateways')]),
        ];
      if (!publicAccess)
        return [
          {
            severity: 'failure',
            found: 'the endpoint of the cluster is private, and the functions run outside of its VPC',
            advice: `write network: ${GUIDE}`,
          },
        ];
      return isOpen
        ? [{ severity: 'ok', found: 'the endpoint of the cluster is reachable from anywhere' }]
        : [
            {
              severity: 'failure',
              found: `the endpoint of the cluster accepts ${publicAccessCidrs.join(', ')} only, and functions outside of a VPC have changing addresses`,
              advice: `write network: ${GUIDE}`,
            },
          ];
    }),
};

function closedFor(whose: string): CheckResult {
  return {
    severity: 'warning',
    found: 'the cluster has no private endpoint, and its public one does not accept every address',
    advice: `add ${whose} to publicAccessCidrs, or enable the private endpoint: ${GUIDE}`,
  };
}

/** The services that the functions of the environment call, as VPC endpoints name them. */
export function servicesCalled({ settings }: EnvironmentFacts): readonly string[] {
  const { nightSchedule, spotDrain, branchDeploy, selfService } = settings;
  const usesRegistry = branchDeploy?.builds.some(({ applications }) =>
    applications.some(({ images }) => images !== undefined),
  );
  const usesSecret = branchDeploy?.argocd.through === 'server' || branchDeploy?.status !== undefined;
  return [
    'autoscaling',
    'dynamodb',
    'eks',
    // The watchdog of each drain.
    'states',
    // On a removal: CloudFormation is answered through S3, and a long restore continues in another invocation.
    ...(nightSchedule ? ['lambda', 's3'] : []),
    ...(spotDrain.dryRun || spotDrain.events === false ? [] : ['events']),
    ...((nightSchedule ?? spotDrain).notify ? ['sns'] : []),
    ...(branchDeploy ? ['codebuild'] : []),
    ...(usesRegistry ? ['ecr.api'] : []),
    ...(usesSecret ? ['secretsmanager'] : []),
    // Links are signed and verified with a key.
    ...(selfService ? ['kms'] : []),
  ];
}

function wayToAws(facts: EnvironmentFacts, vpc: VpcFacts | undefined): readonly CheckResult[] {
  if (vpc === undefined) return [];
  const missing = servicesCalled(facts).filter((service) => !vpc.endpoints.includes(service));
  return vpc.subnets.map(({ id, defaultRoute }): CheckResult => {
    if (defaultRoute === 'internet-gateway' && missing.length > 0)
      return {
        severity: 'failure',
        target: id,
        found: `its default route is an internet gateway, which a function cannot use, and there is no VPC endpoint for ${missing.join(', ')}`,
        advice: `use a subnet with a NAT gateway, or create the endpoints: ${GUIDE}`,
      };
    if (defaultRoute === undefined && missing.length > 0)
      return {
        severity: 'failure',
        target: id,
        found: `it has no default route, and there is no VPC endpoint for ${missing.join(', ')}`,
        advice: `create the endpoints, or add a NAT gateway: ${GUIDE}`,
      };
    return {
      severity: 'ok',
      target: id,
      found: missing.length === 0 ? 'a VPC endpoint for every service' : 'reaches AWS by its default route',
    };
  });
}
