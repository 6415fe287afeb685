/** Amazon EKS, API version 2017-11-01. */
import {
  type AccessEntry,
  AwsError,
  type AwsWorld,
  type Capability,
  configuredSizes,
  type EksCluster,
  type EksUpdate,
  type Nodegroup,
  page,
} from '../../../world/aws/index.ts';
import { type Parameters, parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, type Reply, type Route, unknownOperation } from '../service.ts';

type Operation = (aws: AwsWorld, request: AwsRequest, input: Parameters) => Reply;

const routes: readonly Route[] = [
  { operation: 'ListClusters', method: 'GET', path: '/clusters' },
  { operation: 'DescribeCluster', method: 'GET', path: '/clusters/{name}' },
  { operation: 'ListNodegroups', method: 'GET', path: '/clusters/{name}/node-groups' },
  { operation: 'DescribeNodegroup', method: 'GET', path: '/clusters/{name}/node-groups/{nodegroupName}' },
  { operation: 'DeleteNodegroup', method: 'DELETE', path: '/clusters/{name}/node-groups/{nodegroupName}' },
  {
    operation: 'UpdateNodegroupConfig',
    method: 'POST',
    path: '/clusters/{name}/node-groups/{nodegroupName}/update-config',
  },
  { operation: 'UpdateClusterConfig', method: 'POST', path: '/clusters/{name}/update-config' },
  { operation: 'ListUpdates', method: 'GET', path: '/clusters/{name}/updates' },
  { operation: 'DescribeUpdate', method: 'GET', path: '/clusters/{name}/updates/{updateId}' },
  { operation: 'ListAccessEntries', method: 'GET', path: '/clusters/{name}/access-entries' },
  { operation: 'DescribeAccessEntry', method: 'GET', path: '/clusters/{name}/access-entries/{principalArn}' },
  { operation: 'DescribeCapability', method: 'GET', path: '/clusters/{name}/capabilities/{capabilityName}' },
];

export function eksService(aws: AwsWorld): AwsService {
  return {
    service: 'eks',
    protocol: 'rest-json',
    routes,
    resource(request) {
      const { name, nodegroupName, principalArn, capabilityName } = request.parameters;
      if (typeof name !== 'string') return undefined;
      const cluster = aws.eks.clusters(request).find((candidate) => candidate.name === name);
      const fallback = `arn:aws:eks:${request.region}:${request.account}:cluster/${name}`;
      if (typeof nodegroupName === 'string') return cluster?.nodegroups.get(nodegroupName)?.arn ?? fallback;
      if (typeof principalArn === 'string') return cluster?.accessEntries.get(principalArn)?.arn ?? fallback;
      if (typeof capabilityName === 'string')
        return cluster?.capabilities.get(capabilityName)?.arn ?? fallback;
      return fallback;
    },
    handle(request) {
      const operation = operations[request.operation];
      return operation
        ? operation(aws, request, parametersOf(request, 'InvalidParameterException'))
        : unknownOperation;
    },
  };
}

const operations: Readonly<Record<string, Operation>> = {
  ListClusters(aws, request, input) {
    const { items, nextToken } = listed(aws.eks.clusters(request), input);
    return { clusters: items.map(({ name }) => name), nextToken };
  },
  DescribeCluster: (aws, request, input) => ({
    cluster: clusterOut(aws.eks.cluster(request, input.text('name'))),
  }),
  ListNodegroups(aws, request, input) {
    const { items, nextToken } = listed(aws.eks.nodegroups(request, input.text('name')), input);
    return { nodegroups: items.map(({ name }) => name), nextToken };
  },
  DescribeNodegroup: (aws, request, input) => ({
    nodegroup: nodegroupOut(aws.eks.nodegroup(request, input.text('name'), input.text('nodegroupName'))),
  }),
  DeleteNodegroup: (aws, request, input) => ({
    nodegroup: nodegroupOut(
      aws.eks.deleteNodegroup(request, input.text('name'), input.text('nodegroupName')),
    ),
  }),
  UpdateNodegroupConfig(aws, request, input) {
    refuseUnknown(request, request.parameters, [
      'name',
      'nodegroupName',
      'scalingConfig',
      'labels',
      'updateConfig',
      'warmPoolConfig',
      'clientRequestToken',
    ]);
    refuseUnknown(request, request.parameters['scalingConfig'], ['minSize', 'maxSize', 'desiredSize']);
    refuseUnknown(request, request.parameters['updateConfig'], ['maxUnavailable']);
    const scaling = input.structure('scalingConfig');
    const labels = input.structure('labels');
    const maxUnavailable = input.structure('updateConfig')?.optionalInteger('maxUnavailable');
    const token = input.optionalText('clientRequestToken');
    const warmPool = warmPoolOf(
      request,
      request.parameters['warmPoolConfig'],
      input.structure('warmPoolConfig'),
    );
    const update = aws.eks.updateNodegroupConfig(request, input.text('name'), input.text('nodegroupName'), {
      ...(scaling
        ? {
            scaling: defined({
              min: scaling.optionalInteger('minSize'),
              desired: scaling.optionalInteger('desiredSize'),
              max: scaling.optionalInteger('maxSize'),
            }),
          }
        : {}),
      ...(labels
        ? {
            labels: defined({
              addOrUpdate: labels.record('addOrUpdateLabels'),
              remove: labels.texts('removeLabels'),
            }),
          }
        : {}),
      ...defined({ maxUnavailable, warmPool, clientRequestToken: token }),
    });
    return { update: updateOut(update) };
  },
  UpdateClusterConfig(aws, request, input) {
    refuseUnknown(request, request.parameters, [
      'name',
      'computeConfig',
      'kubernetesNetworkConfig',
      'storageConfig',
      'clientRequestToken',
    ]);
    refuseUnknown(request, request.parameters['kubernetesNetworkConfig'], ['elasticLoadBalancing']);
    const compute = input.structure('computeConfig');
    const loadBalancing = input.structure('kubernetesNetworkConfig')?.structure('elasticLoadBalancing');
    const blockStorage = input.structure('storageConfig')?.structure('blockStorage');
    const update = aws.eks.updateClusterConfig(
      request,
      input.text('name'),
      defined({
        compute:
          compute &&
          defined({
            enabled: compute.flag('enabled'),
            nodePools: compute.texts('nodePools'),
            nodeRoleArn: compute.optionalText('nodeRoleArn'),
          }),
        loadBalancing: loadBalancing && defined({ enabled: loadBalancing.flag('enabled') }),
        blockStorage: blockStorage && defined({ enabled: blockStorage.flag('enabled') }),
        clientRequestToken: input.optionalText('clientRequestToken'),
      }),
    );
    return { update: updateOut(update) };
  },
  ListUpdates(aws, request, input) {
    const updates = aws.eks.updates(request, input.text('name'), input.optionalText('nodegroupName'));
    const { items, nextToken } = listed(updates, input);
    return { updateIds: items.map(({ id }) => id), nextToken };
  },
  DescribeUpdate: (aws, request, input) => ({
    update: updateOut(
      aws.eks.update(
        request,
        input.text('name'),
        input.optionalText('nodegroupName'),
        input.text('updateId'),
      ),
    ),
  }),
  ListAccessEntries(aws, request, input) {
    const { items, nextToken } = listed(aws.eks.accessEntries(request, input.text('name')), input);
    return { accessEntries: items.map(({ principalArn }) => principalArn), nextToken };
  },
  DescribeAccessEntry(aws, request, input) {
    const name = input.text('name');
    return {
      accessEntry: accessEntryOut(name, aws.eks.accessEntry(request, name, input.text('principalArn'))),
    };
  },
  DescribeCapability(aws, request, input) {
    const name = input.text('name');
    return {
      capability: capabilityOut(name, aws.eks.capability(request, name, input.text('capabilityName'))),
    };
  },
};

const POOL_STATES = { STOPPED: 'Stopped', RUNNING: 'Running', HIBERNATED: 'Hibernated' } as const;

function warmPoolOf(
  request: { readonly operation: string },
  written: unknown,
  input: Parameters | undefined,
) {
  if (!input) return undefined;
  refuseUnknown(request, written, [
    'enabled',
    'minSize',
    'maxGroupPreparedCapacity',
    'poolState',
    'reuseOnScaleIn',
  ]);
  const state = input.optionalText('poolState');
  if (state !== undefined && !Object.hasOwn(POOL_STATES, state))
    throw new AwsError(
      'InvalidParameterException',
      `poolState must be one of ${Object.keys(POOL_STATES).join(', ')}, not ${state}`,
    );
  return defined({
    enabled: input.flag('enabled'),
    min: input.optionalInteger('minSize'),
    maxPrepared: input.optionalInteger('maxGroupPreparedCapacity'),
    state: state === undefined ? undefined : POOL_STATES[state as keyof typeof POOL_STATES],
    reuse: input.flag('reuseOnScaleIn'),
  });
}

function capabilityOut(cluster: string, { name, type, status, version, arn, argoCd, createdAt }: Capability) {
  return {
    capabilityName: name,
    arn,
    clusterName: cluster,
    type,
    status,
    version,
    createdAt: createdAt / 1_000,
    configuration: argoCd ? { argoCd } : {},
  };
}

/** Parameters that the lab does not implement are refused, not ignored. */
function refuseUnknown(
  { operation }: { readonly operation: string },
  structure: unknown,
  known: readonly string[],
): void {
  const other = Object.keys(structure ?? {}).find((name) => !known.includes(name));
  if (other !== undefined) {
    throw new AwsError('InvalidParameterException', `the lab's ${operation} does not know ${other}`);
  }
}

function listed<T>(items: readonly T[], input: Parameters) {
  return page(
    items,
    input.pageSize('maxResults', 100, 100),
    input.optionalText('nextToken'),
    () => new AwsError('InvalidParameterException', 'The nextToken is not valid'),
  );
}

/** Without the members that are undefined. */
function defined<T extends Record<string, unknown>>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function seconds(ms: number): number {
  return ms / 1000;
}

function clusterOut(cluster: EksCluster) {
  return {
    name: cluster.name,
    arn: cluster.arn,
    createdAt: seconds(cluster.createdAt),
    version: cluster.version,
    endpoint: cluster.endpoint,
    roleArn: `arn:aws:iam::${cluster.account}:role/eks-cluster-${cluster.name}`,
    resourcesVpcConfig: {
      subnetIds: cluster.subnets.map(({ id }) => id),
      securityGroupIds: [],
      vpcId: cluster.subnets[0]?.vpc,
      endpointPublicAccess: true,
      endpointPrivateAccess: true,
      publicAccessCidrs: ['0.0.0.0/0'],
    },
    kubernetesNetworkConfig: {
      serviceIpv4Cidr: '172.20.0.0/16',
      ipFamily: 'ipv4',
      elasticLoadBalancing: { enabled: cluster.autoMode !== undefined },
    },
    logging: {
      clusterLogging: [
        { types: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'], enabled: false },
      ],
    },
    status: cluster.status,
    certificateAuthority: { data: Buffer.from(cluster.ca, 'utf8').toString('base64') },
    platformVersion: 'eks.1',
    tags: cluster.tags,
    health: { issues: [] },
    accessConfig: { authenticationMode: cluster.authenticationMode },
    upgradePolicy: { supportType: 'EXTENDED' },
    deletionProtection: false,
    ...(cluster.autoMode
      ? {
          computeConfig: { enabled: true, ...cluster.autoMode },
          storageConfig: { blockStorage: { enabled: true } },
        }
      : {}),
  };
}

function nodegroupOut(nodegroup: Nodegroup) {
  const { group } = nodegroup;
  const sizes = configuredSizes(nodegroup);
  return {
    nodegroupName: nodegroup.name,
    nodegroupArn: nodegroup.arn,
    clusterName: nodegroup.cluster.name,
    version: nodegroup.cluster.version,
    releaseVersion: `${nodegroup.cluster.version}.5-20251110`,
    createdAt: seconds(nodegroup.createdAt),
    modifiedAt: seconds(nodegroup.modifiedAt),
    status: nodegroup.status,
    capacityType: nodegroup.capacityType,
    scalingConfig: { minSize: sizes.min, maxSize: sizes.max, desiredSize: sizes.desired },
    instanceTypes: nodegroup.instanceTypes,
    subnets: nodegroup.cluster.subnets
      .filter((subnet) => group.zones.includes(subnet.zone))
      .map(({ id }) => id),
    amiType: 'AL2023_x86_64_STANDARD',
    nodeRole: `arn:aws:iam::${nodegroup.cluster.account}:role/eks-node-${nodegroup.cluster.name}`,
    labels: nodegroup.labels,
    ...(nodegroup.taints.length > 0 ? { taints: nodegroup.taints } : {}),
    resources: { autoScalingGroups: [{ name: group.name }] },
    diskSize: 20,
    health: { issues: nodegroup.issues },
    updateConfig: { maxUnavailable: nodegroup.maxUnavailable },
    ...(group.warmPool && group.warmPool.deletion === undefined
      ? {
          warmPoolConfig: {
            enabled: true,
            minSize: group.warmPool.min,
            maxGroupPreparedCapacity: group.warmPool.maxPrepared,
            poolState: group.warmPool.state.toUpperCase(),
            reuseOnScaleIn: group.warmPool.reuse,
          },
        }
      : {}),
    tags: nodegroup.tags,
  };
}

function updateOut(update: EksUpdate) {
  return {
    id: update.id,
    status: update.status,
    type: update.type,
    params: update.params,
    createdAt: seconds(update.createdAt),
    errors: update.errors,
  };
}

function accessEntryOut(clusterName: string, entry: AccessEntry) {
  return {
    clusterName,
    principalArn: entry.principalArn,
    kubernetesGroups: entry.kubernetesGroups,
    accessEntryArn: entry.arn,
    createdAt: seconds(entry.createdAt),
    modifiedAt: seconds(entry.createdAt),
    tags: {},
    username: entry.username,
    type: entry.type,
  };
}
