/** Creates the groups of the scenario, and what runs on their nodes. */
import type { AwsWorld, EksCluster } from '@nightshift/lab/world/aws/index.ts';
import type { Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { AppPlan, Scenario } from './scenario.ts';

export interface Empty {
  readonly scenario: Scenario;
  readonly aws: AwsWorld;
  readonly cluster: EksCluster;
  readonly kubernetes: Kubernetes;
}

export function populate(empty: Empty): void {
  const { scenario, kubernetes } = empty;
  addGroups(empty);
  if (scenario.daemonSet) kubernetes.addDaemonSet({ name: 'agent', namespace: 'kube-system' });
  for (const app of scenario.apps) addApp(kubernetes, app);
}

function addGroups({ scenario, aws, cluster }: Empty): void {
  const scope = { account: cluster.account, region: cluster.region };
  const { hook } = scenario;
  const size = (count: number) => ({ min: 0, desired: count, max: count + 3 });
  aws.addAutoScalingGroup(cluster, {
    name: 'workers',
    ...size(scenario.workers),
    instanceTypes: ['m5.large'],
    spotPercent: 100,
    capacityRebalance: scenario.capacityRebalance,
    ...(hook
      ? {
          lifecycleHooks: [
            {
              name: 'drain',
              heartbeatTimeoutSeconds: hook.heartbeatSeconds,
              defaultResult: hook.defaultResult,
            },
          ],
        }
      : {}),
  });
  // Else the group terminates the stopped instance, and it cannot run again.
  if (scenario.backAfter !== undefined)
    aws.autoScaling.suspend(scope, 'workers', ['HealthCheck', 'ReplaceUnhealthy']);
  if (scenario.managed > 0)
    aws.addNodegroup(cluster, {
      name: 'managed',
      ...size(scenario.managed),
      instanceTypes: ['m5.large'],
      capacityType: 'SPOT',
    });
  if (scenario.foreign > 0)
    aws.addAutoScalingGroup(aws.addCluster({ ...scope, name: 'neighbour' }), {
      name: 'neighbours',
      ...size(scenario.foreign),
      instanceTypes: ['m5.large'],
      spotPercent: 100,
      lifecycleHooks: [{ name: 'theirs', heartbeatTimeoutSeconds: 60, defaultResult: 'CONTINUE' }],
    });
}

function addApp(kubernetes: Kubernetes, app: AppPlan): void {
  kubernetes.addDeployment({
    name: app.name,
    namespace: 'apps',
    replicas: app.replicas,
    cpu: '100m',
    terminationGracePeriodSeconds: app.graceSeconds,
    podAnnotations: {
      'lab.nightshift/exit-seconds': String(app.exitSeconds),
      'lab.nightshift/ready-seconds': String(app.readySeconds),
    },
    ...(app.critical ? { priorityClassName: 'system-cluster-critical' } : {}),
  });
  if (app.hasVolume) addVolume(kubernetes, app.name);
  for (const [index, budget] of app.budgets.entries())
    kubernetes.addPdb({
      name: `${app.name}-${index}`,
      namespace: 'apps',
      matchLabels: { app: app.name },
      ...budget,
    });
}

/** Bound already, and mounted by all of its pods. */
function addVolume({ api }: Kubernetes, app: string): void {
  api.create('persistentvolumeclaims', 'apps', {
    metadata: { name: `data-${app}` },
    spec: { accessModes: ['ReadWriteMany'], volumeName: `pv-${app}` },
  });
  api.modify('deployments.apps', 'apps', app, (draft) => {
    const spec = draft.spec?.template.spec;
    if (spec) spec.volumes = [{ name: 'data', persistentVolumeClaim: { claimName: `data-${app}` } }];
  });
}
