/** Asks everything that the checks look at. The clients have the credentials of this shell. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EKSClient } from '@aws-sdk/client-eks';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describeCluster } from '#functions/adapters/aws/eks-cluster.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf, settingsOf } from '#lib/settings.ts';
import type { Named } from '../../environments.ts';
import { CloudError, type Io } from '../../io.ts';
import { type Answer, known } from '../finding.ts';
import type { KubernetesFacts, Site } from '../site.ts';
import { asking } from './asking.ts';
import { gatherProjects, gatherToken } from './deploys.ts';
import { gatherFunctions } from './functions.ts';
import { gatherCluster, gatherGroups } from './groups.ts';
import { gatherCni, gatherKubernetes, gatherReviews } from './kubernetes.ts';
import { gatherHeld, gatherNetworks, gatherSubnets } from './network.ts';

/** Throws a `CloudError` where nothing can be asked: no credentials, or no such cluster in their account. */
export async function gatherSite(loaded: LoadedConfig, named: Named, io: Io): Promise<Site> {
  const { name, environment } = named;
  const { region, account } = environment;
  const options = { region, maxAttempts: 3 };
  const eks = new EKSClient(options);
  const place = `account ${account}, ${region}`;

  const cluster = await at(name, place, () => gatherCluster(eks, environment.cluster));
  if ('missing' in cluster && cluster.missing.why.includes('ResourceNotFoundException')) {
    throw new CloudError(
      `${name}: there is no cluster ${environment.cluster} with these credentials in ${region}: use credentials of ${place}, or correct the config`,
    );
  }

  const ec2 = new EC2Client(options);
  const groups = await at(name, place, () =>
    gatherGroups({ autoScaling: new AutoScalingClient(options), eks }, environment.cluster),
  );
  const kubernetes = createKubernetesClient({
    cluster: environment.cluster,
    region,
    describeCluster: () => describeCluster(eks, environment.cluster),
    token: createTokenSource({
      cluster: environment.cluster,
      region,
      credentials: () => eks.config.credentials(),
      now: io.now,
    }),
    maxSockets: 16,
  });
  const cloud = await io.cloud(name, environment);
  const found = known(groups) ?? [];
  const unlessMissing = <T>(answer: Promise<Answer<T>>): Promise<Answer<T>> =>
    'missing' in groups ? answer.then(() => groups) : answer;
  const rough = settingsOf(loaded.config, name, io.now());
  const capabilities = [
    ...(rough.nightSchedule ? (['night-schedule'] as const) : []),
    'spot-drain' as const,
    ...(rough.branchDeploy ? (['branch-deploy'] as const) : []),
  ];

  try {
    return await at(name, place, async () => {
      const { deploy } = environment;
      const [subnets, held, networks, cni, facts, reviews, night, functions, token, projects] =
        await Promise.all([
          unlessMissing(gatherSubnets(ec2, found)),
          unlessMissing(gatherHeld(ec2, found)),
          unlessMissing(gatherNetworks(ec2, found)),
          gatherCni(kubernetes),
          gatherKubernetes(kubernetes),
          gatherReviews(kubernetes, rough),
          asking('dynamodb:Query', () => cloud.night()),
          gatherFunctions(
            { lambda: new LambdaClient(options), eks },
            { name, cluster: environment.cluster },
            capabilities,
          ),
          deploy && (deploy.argocd.through ?? 'server') === 'server'
            ? gatherToken(new SecretsManagerClient(options), deploy.argocd.tokenSecret)
            : undefined,
          gatherProjects(new CodeBuildClient(options), deploy?.builds.map(({ project }) => project) ?? []),
        ]);
      const now = cloud.now();
      return {
        name,
        environment,
        now,
        ...(environment.schedule ? { schedule: scheduleOf(loaded.config, environment.schedule, now) } : {}),
        settings: settingsOf(loaded.config, name, now),
        cluster,
        groups,
        subnets,
        held,
        networks,
        cni,
        night,
        functions,
        reviews,
        kubernetes: facts satisfies KubernetesFacts,
        ...(token ? { token } : {}),
        projects,
      };
    });
  } finally {
    kubernetes.close();
  }
}

/** Says which environment a `CloudError` is about. */
async function at<T>(name: string, place: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CloudError && !error.message.startsWith(`${name}: `)) {
      throw new CloudError(`${name}: ${error.message} (${place})`, { cause: error });
    }
    throw error;
  }
}
