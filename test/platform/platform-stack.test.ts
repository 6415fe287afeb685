/** The templates of the example: what the platform of each environment is made of. */
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { aPlatform, aPlatformApp, platformStackOf } from './a-platform.ts';

const { template: develop } = platformStackOf('develop');
const { template: staging } = platformStackOf('staging');
const { template: production } = platformStackOf('production');
const { template: sandbox } = platformStackOf('sandbox');
const all = { develop, staging, production, sandbox };

type Resource = { Type: string; Properties: Record<string, unknown> };
const resourcesOf = (template: Template) => template.toJSON()['Resources'] as Record<string, Resource>;
const propertiesOf = (template: Template, type: string) =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);
/** Resources by what they say of themselves. */
const described = (template: Template, type: string, text: string) =>
  Object.values(template.findResources(type)).find(({ Properties }) =>
    JSON.stringify(Properties).includes(text),
  )?.Properties;

describe.for(Object.entries(all))('the platform of %s', ([name, template]) => {
  test('has no function, no custom resource and no asset', () => {
    const types = new Set(Object.values(resourcesOf(template)).map(({ Type }) => Type));
    expect(
      [...types].filter((type) => /Lambda|CustomResource|Custom::|CloudFormation::Stack/.test(type)),
    ).toEqual([]);
  });

  test('has a public and a private /20 in each of three zones', () => {
    const subnets = propertiesOf(template, 'AWS::EC2::Subnet');
    expect(subnets).toHaveLength(6);
    expect(new Set(subnets.map(({ CidrBlock }) => CidrBlock)).size).toBe(6);
    expect(subnets.every(({ CidrBlock }) => CidrBlock.endsWith('/20'))).toBe(true);
    expect(new Set(subnets.map(({ AvailabilityZone }) => AvailabilityZone)).size).toBe(3);
  });

  test('lets nobody in by SSH, and Session Manager onto every instance', () => {
    const text = JSON.stringify(template.toJSON());
    expect(text).not.toContain('KeyName');
    expect(text).not.toContain('RemoteAccess');
    for (const { FromPort, ToPort } of [
      ...propertiesOf(template, 'AWS::EC2::SecurityGroupIngress'),
      ...propertiesOf(template, 'AWS::EC2::SecurityGroup').flatMap(
        (group) => group.SecurityGroupIngress ?? [],
      ),
    ])
      expect([FromPort, ToPort]).toEqual([443, 443]);
    const hosts = propertiesOf(template, 'AWS::IAM::Role').filter((role) =>
      JSON.stringify(role.AssumeRolePolicyDocument).includes('ec2.amazonaws.com'),
    );
    expect(hosts.length).toBeGreaterThan(0);
    for (const role of hosts)
      expect(JSON.stringify(role.ManagedPolicyArns)).toContain('AmazonSSMManagedInstanceCore');
  });

  test('has a cluster that knows access entries only and logs everything', () => {
    template.hasResourceProperties('AWS::EKS::Cluster', {
      Name: name,
      AccessConfig: { AuthenticationMode: 'API', BootstrapClusterCreatorAdminPermissions: false },
      ComputeConfig: { Enabled: false },
      Logging: {
        ClusterLogging: {
          EnabledTypes: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'].map((Type) => ({
            Type,
          })),
        },
      },
    });
  });

  test('has the add-ons, and the CNI before the nodes', () => {
    const names = propertiesOf(template, 'AWS::EKS::Addon').map(({ AddonName }) => AddonName);
    expect(names.sort()).toEqual([
      'aws-ebs-csi-driver',
      'coredns',
      'eks-pod-identity-agent',
      'external-dns',
      'fluent-bit',
      'kube-proxy',
      'metrics-server',
      'vpc-cni',
    ]);
    const cni = Object.entries(template.findResources('AWS::EKS::Addon')).find(
      ([, one]) => one.Properties.AddonName === 'vpc-cni',
    )?.[0];
    for (const group of Object.values(template.findResources('AWS::EKS::Nodegroup')))
      expect(group.DependsOn).toContain(cni);
  });

  test('runs ExternalDNS on its own zone, without deletions', () => {
    const addOn = described(template, 'AWS::EKS::Addon', '"external-dns"');
    expect(JSON.parse(addOn?.ConfigurationValues)).toMatchObject({
      policy: 'upsert-only',
      txtOwnerId: name,
      domainFilters: [`${name}.example.com`],
    });
    expect(addOn?.PodIdentityAssociations).toHaveLength(1);
  });

  test('gives its controllers roles by Pod Identity of this cluster alone', () => {
    expect(
      propertiesOf(template, 'AWS::EKS::PodIdentityAssociation').map(
        ({ Namespace, ServiceAccount }) => `${Namespace}/${ServiceAccount}`,
      ),
    ).toEqual([
      'kube-system/aws-load-balancer-controller',
      'kube-system/cluster-autoscaler',
      'monitoring/kube-prometheus-stack-grafana',
    ]);
    const roles = propertiesOf(template, 'AWS::IAM::Role').filter((role) =>
      JSON.stringify(role.AssumeRolePolicyDocument).includes('pods.eks.amazonaws.com'),
    );
    expect(roles).toHaveLength(6);
    for (const { AssumeRolePolicyDocument } of roles)
      for (const { Condition } of AssumeRolePolicyDocument.Statement)
        expect(Condition).toMatchObject({ ArnEquals: { 'aws:SourceArn': expect.anything() } });
  });
});

describe('the nodes', () => {
  const sizes = (template: Template) =>
    Object.fromEntries(
      propertiesOf(template, 'AWS::EKS::Nodegroup').map(({ NodegroupName, CapacityType, ScalingConfig }) => [
        NodegroupName,
        [CapacityType, ScalingConfig.DesiredSize],
      ]),
    );

  test('are spot in develop, staging and sandbox, where the on-demand group rests at zero', () => {
    for (const template of [develop, staging, sandbox])
      expect(sizes(template)).toEqual({ spot: ['SPOT', expect.any(Number)], 'on-demand': ['ON_DEMAND', 0] });
  });

  test('are half spot and half on demand in production', () => {
    expect(sizes(production)).toEqual({ spot: ['SPOT', 3], 'on-demand': ['ON_DEMAND', 3] });
  });

  test('keep pods away from the role of their node', () => {
    develop.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 } },
    });
  });
});

describe('the work hosts', () => {
  test('are two: one of develop, staging and sandbox, and one of production', () => {
    expect(Object.values(all).map((template) => propertiesOf(template, 'AWS::EC2::Instance').length)).toEqual(
      [1, 0, 1, 0],
    );
    const arns = (template: Template) =>
      JSON.stringify(described(template, 'AWS::IAM::Policy', 'ReadEndpoints'));
    expect(arns(develop)).toContain('cluster/staging');
    expect(arns(develop)).toContain('cluster/sandbox');
    expect(arns(develop)).not.toContain('production');
    expect(arns(production)).not.toContain('develop');
  });

  test('have access by role, in staging from the account of develop', () => {
    const entry = described(staging, 'AWS::EKS::AccessEntry', 'platform-develop-work-host');
    expect(JSON.stringify(entry?.PrincipalArn)).toContain('111111111111:role/platform-develop-work-host');
    expect(JSON.stringify(resourcesOf(production))).not.toContain('platform-develop-work-host');
  });

  test('reach the endpoint of the cluster by security group', () => {
    for (const template of [develop, production])
      template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
        Description: 'kubectl from the work host',
        SourceSecurityGroupId: Match.anyValue(),
      });
  });
});

test('the sandbox is open to developers, and no other environment is', () => {
  const policy = (template: Template) =>
    JSON.stringify(described(template, 'AWS::EKS::AccessEntry', 'role/developer'));
  expect(policy(sandbox)).toContain('AmazonEKSClusterAdminPolicy');
  expect(policy(develop)).toContain('AmazonEKSEditPolicy');
  expect(described(production, 'AWS::EKS::AccessEntry', 'role/developer')).toBeUndefined();
});

test('Argo CD is a capability of EKS, or nothing of the stack', () => {
  develop.hasResourceProperties('AWS::EKS::Capability', { Type: 'ARGOCD', ClusterName: Match.anyValue() });
  sandbox.resourceCountIs('AWS::EKS::Capability', 0);
});

test('a zone is delegated by the stack where its parent is in the same account, and reports its name servers elsewhere', () => {
  const delegation = { parentZoneId: 'Z0123456789ABCDEFGHIJ' };
  const { template } = platformStackOf(
    'develop',
    aPlatform('develop', ({ dns }) => ({ dns: { ...dns, delegation } })),
  );
  template.hasResourceProperties('AWS::Route53::RecordSet', {
    Type: 'NS',
    Name: 'develop.example.com.',
    HostedZoneId: 'Z0123456789ABCDEFGHIJ',
  });
  develop.resourceCountIs('AWS::Route53::RecordSet', 0);
  expect(JSON.stringify(develop.toJSON()['Outputs'])).toContain('NS record of develop.example.com');
});

test('a private endpoint is private, and a restricted one names its addresses', () => {
  const { template } = platformStackOf(
    'develop',
    aPlatform('develop', () => ({ endpoint: 'private' })),
  );
  template.hasResourceProperties('AWS::EKS::Cluster', {
    ResourcesVpcConfig: { EndpointPrivateAccess: true, EndpointPublicAccess: false },
  });
  const restricted = platformStackOf(
    'develop',
    aPlatform('develop', () => ({ endpointCidrs: ['203.0.113.0/24'] })),
  );
  restricted.template.hasResourceProperties('AWS::EKS::Cluster', {
    ResourcesVpcConfig: { EndpointPublicAccess: true, PublicAccessCidrs: ['203.0.113.0/24'] },
  });
});

test('images cannot be overwritten, and the policy that a build gets has the name in nightshift.config.ts', () => {
  develop.hasResourceProperties('AWS::ECR::Repository', {
    RepositoryName: 'api',
    ImageTagMutability: 'IMMUTABLE',
  });
  develop.hasResourceProperties('AWS::IAM::ManagedPolicy', {
    ManagedPolicyName: 'platform-develop-push-images',
  });
});

test('the night shift of each environment is deployed after its platform', () => {
  const app = aPlatformApp();
  const names = app.platforms.map(({ stackName }) => stackName);
  expect(names).toEqual(['Platform-develop', 'Platform-staging', 'Platform-production', 'Platform-sandbox']);
  for (const stack of app.platforms) {
    const night = app.node.tryFindChild(stack.stackName.replace('Platform', 'Nightshift'));
    expect((night as unknown as { dependencies: unknown[] }).dependencies).toContain(stack);
  }
});
