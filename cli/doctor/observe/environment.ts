/** Observes everything that the checks need, with the credentials of this shell. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EKSClient } from '@aws-sdk/client-eks';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { describeCluster } from '#functions/adapters/aws/eks-cluster.ts';
import { createKubernetesClient, type KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import { clientAccess } from '../../account-access.ts';
import { CloudError } from '../../errors.ts';
import type { Io } from '../../io.ts';
import type { NamedEnvironment } from '../../select-environments.ts';
import type { EnvironmentFacts, GroupFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observeConcurrency } from './concurrency.ts';
import { observeCapability, observeProjects, observeToken } from './deploys.ts';
import { observeFunctions } from './functions.ts';
import { observeCluster, observeGroups } from './groups.ts';
import { observeAccessReviews, observeCni, observeExcessRights, observeKubernetes } from './kubernetes.ts';
import { observeLeftTables } from './left-tables.ts';
import { observeListener } from './listener.ts';
import { observeInstanceNetworks, observeInterfaceAddresses, observeSubnets } from './network.ts';
import { observe } from './observe.ts';
import { observeSchedulers } from './schedulers.ts';
import { observeAlarmTopic } from './subscribers.ts';
import { observeVpc } from './vpc.ts';

/** Throws a `CloudError` when nothing can be observed: no valid credentials, or no such cluster in their account. */
export async function observeEnvironment(
  loaded: LoadedConfig,
  named: NamedEnvironment,
  io: Io,
): Promise<EnvironmentFacts> {
  const { name, environment } = named;
  const clients = clientsFor(named);
  return withEnvironmentName(named, async () => {
    const cluster = await observeCluster(clients.eks, environment.cluster);
    if ('missing' in cluster && cluster.missing.reason.includes('ResourceNotFoundException')) {
      throw new CloudError(
        `${name}: no cluster ${environment.cluster} in ${environment.region} with these credentials: use credentials of ${placeOf(named)}, or correct the config`,
      );
    }
    const groups = await observeGroups(clients, environment.cluster);
    const cloud = await io.cloud(name, environment);
    const settings = settingsOf(loaded.config, name, io.now());
    const kubernetes = kubernetesClient(clients.eks, named, io);
    try {
      const [
        network,
        inCluster,
        night,
        functions,
        concurrency,
        schedulers,
        leftTables,
        deploys,
        vpc,
        alarmTopic,
        listener,
      ] = await Promise.all([
        observeNetwork(clients.ec2, groups),
        observeInCluster(kubernetes, settings),
        observe('dynamodb:Query', () => cloud.night()),
        observeFunctions(clients, { name, cluster: environment.cluster }, settings),
        observeConcurrency(clients.lambda),
        observeSchedulers(clients.eks, environment.cluster),
        observeLeftTables(clients.dynamodb, loaded, named),
        observeDeploys(clients, environment, settings),
        observeVpc(clients.ec2, environment.network),
        observeAlarmTopic(clients.sns, named),
        observeListener(environment, clients.loadBalancing),
      ]);
      // Only after a first response is the time that of AWS.
      const now = cloud.now();
      return {
        name,
        environment,
        now,
        ...(environment.schedule ? { schedule: scheduleOf(loaded.config, environment.schedule, now) } : {}),
        settings: settingsOf(loaded.config, name, now),
        cluster,
        groups,
        ...network,
        ...inCluster,
        night,
        functions,
        concurrency,
        schedulers,
        leftTables,
        ...deploys,
        vpc,
        alarmTopic,
        ...(listener ? { listener } : {}),
      };
    } finally {
      kubernetes.close();
    }
  });
}

type Clients = ReturnType<typeof clientsFor>;

function clientsFor({ name, environment }: NamedEnvironment) {
  const { region } = environment;
  const options = { region, maxAttempts: 3, ...clientAccess(name, region, environment) };
  return {
    autoScaling: new AutoScalingClient(options),
    codeBuild: new CodeBuildClient(options),
    dynamodb: new DynamoDBClient(options),
    ec2: new EC2Client(options),
    eks: new EKSClient(options),
    lambda: new LambdaClient(options),
    loadBalancing: async () => {
      const { ElasticLoadBalancingV2Client } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return new ElasticLoadBalancingV2Client(options);
    },
    secretsManager: new SecretsManagerClient(options),
    sns: new SNSClient(options),
  };
}

/** With the identity that the SDK's client has in AWS. */
export function kubernetesClient(
  eks: EKSClient,
  { environment }: NamedEnvironment,
  io: Io,
): KubernetesClient {
  const { cluster, region } = environment;
  return createKubernetesClient({
    cluster,
    region,
    describeCluster: () => describeCluster(eks, cluster),
    token: createTokenSource({
      cluster,
      region,
      credentials: () => eks.config.credentials(),
      now: io.now,
    }),
    maxSockets: 16,
  });
}

async function observeNetwork(ec2: EC2Client, groups: Observation<readonly GroupFacts[]>) {
  if ('missing' in groups) return { subnets: groups, interfaceAddresses: groups, networks: groups };
  const [subnets, interfaceAddresses, networks] = await Promise.all([
    observeSubnets(ec2, groups.value),
    observeInterfaceAddresses(ec2, groups.value),
    observeInstanceNetworks(ec2, groups.value),
  ]);
  return { subnets, interfaceAddresses, networks };
}

async function observeInCluster(client: KubernetesClient, settings: EnvironmentSettings) {
  const [cni, kubernetes, reviews, excess] = await Promise.all([
    observeCni(client),
    observeKubernetes(client),
    observeAccessReviews(client, settings),
    observeExcessRights(client, settings),
  ]);
  return { cni, kubernetes, reviews, excess };
}

async function observeDeploys(
  clients: Clients,
  { deploy, cluster }: NamedEnvironment['environment'],
  settings: EnvironmentSettings,
) {
  const { through, tokenSecret, capability, hub } = settings.branchDeploy?.argocd ?? {};
  const [token, argocdCapability, projects] = await Promise.all([
    through === 'server' && tokenSecret ? observeToken(clients.secretsManager, tokenSecret) : undefined,
    // EKS does not describe the capability of another account.
    capability && !hub?.endpoint
      ? observeCapability(clients.eks, hub?.cluster ?? cluster, capability)
      : undefined,
    observeProjects(
      clients.codeBuild,
      (deploy?.builds ?? []).flatMap(({ project, announced }) => (announced ? [] : [project])),
    ),
  ]);
  return { projects, ...(token ? { token } : {}), ...(argocdCapability ? { argocdCapability } : {}) };
}

function placeOf({ environment }: NamedEnvironment): string {
  return `account ${environment.account}, ${environment.region}`;
}

/** Adds the environment and its account to the message of a `CloudError`. */
export async function withEnvironmentName<T>(named: NamedEnvironment, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof CloudError && !error.message.startsWith(`${named.name}: `)) {
      throw new CloudError(`${named.name}: ${error.message} (${placeOf(named)})`, { cause: error });
    }
    throw error;
  }
}
