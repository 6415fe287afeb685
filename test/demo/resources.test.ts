import { createArgocd } from '@nightshift/lab/world/argocd/index.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { scaleOutOf } from '@nightshift/lab/world/scale-out.ts';
import { describe, expect, it } from 'vitest';
import { addApplications, addGroups, addSystemWorkloads } from '#demo/sample/resources.ts';
import type { BuildConfig, EnvironmentConfig } from '#model/config.ts';

const MINUTE_MS = 60_000;
const place = { account: '111111111111', region: 'ap-northeast-1' };

/** Pods without a node, half an hour after the workloads were created. */
async function podsWithoutNode(applications: number): Promise<readonly string[]> {
  const builds: readonly BuildConfig[] = [
    {
      project: 'everything-develop',
      repository: 'https://github.com/example/everything',
      branch: 'develop',
      applications: Array.from({ length: applications }, (_, index) => `app-${index + 1}`),
    },
  ];
  const argocd = { url: 'https://argocd.example.com', tokenSecret: 'argocd' };
  const environment: EnvironmentConfig = {
    ...place,
    cluster: 'develop',
    schedule: 'office',
    nodegroups: 'all',
    deploy: { argocd, builds },
  };
  const context = createContext({ start: new Date('2026-11-24T01:00:00Z'), seed: 7 });
  const { clock } = context;
  const aws = createAws(context);
  const cluster = aws.addCluster({ ...place, name: environment.cluster });
  const kubernetes = createKubernetes(context, {
    ...place,
    cluster: environment.cluster,
    scaleOut: scaleOutOf(aws, cluster, false),
    autoMode: false,
  });
  aws.attachNodes(cluster, kubernetes);
  addGroups(aws, cluster, environment, builds);
  await clock.runUntil(clock.now() + 10 * MINUTE_MS);
  addSystemWorkloads(kubernetes, environment);
  addApplications(
    createArgocd(context, { workloads: kubernetes, revisionOf: () => 'a'.repeat(40) }),
    kubernetes,
    builds,
  );
  await clock.runUntil(clock.now() + 30 * MINUTE_MS);
  return kubernetes.api.store
    .all('pods')
    .filter(({ spec }) => spec?.nodeName === undefined)
    .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
}

describe('the sample’s clusters', () => {
  it.each([2, 50, 120])('have a node for every pod of %i applications', async (applications) => {
    expect(await podsWithoutNode(applications)).toEqual([]);
  });
});
