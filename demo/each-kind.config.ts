/**
 * One environment for each kind of compute. `NIGHTSHIFT_CONFIG=demo/each-kind.config.ts npm start` plays the day with all of
 * them; the lab makes the NodePools and warm pools that they name.
 */
import { defineConfig } from '../model/config.ts';

/** Each in an account of its own: functions of one account see each other's events. */
const place = (account: number) =>
  ({ account: `${account}`.repeat(12), region: 'ap-northeast-1', schedule: 'office' }) as const;
const karpenter = { kind: 'karpenter', namespace: 'kube-system', deployment: 'karpenter' } as const;

export default defineConfig({
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    // Karpenter runs on a nodegroup, which stops last and starts first.
    nodegroup: {
      ...place(1),
      cluster: 'nodegroup',
      nodegroups: ['system'],
      autoscaler: { ...karpenter, hostGroup: 'system' },
    },
    // Karpenter runs on Fargate: nothing of it has to be started.
    fargate: { ...place(2), cluster: 'fargate', autoscaler: karpenter },
    // The built-in NodePools of EKS Auto Mode.
    auto: { ...place(3), cluster: 'auto', autoscaler: { kind: 'auto-mode', builtIn: true } },
    // NodePools of one's own with EKS Auto Mode.
    custom: { ...place(4), cluster: 'custom', autoscaler: { kind: 'auto-mode', nodePools: ['apps'] } },
    // Managed nodegroups with warm pools.
    warm: { ...place(5), cluster: 'warm', nodegroups: ['system', 'workers'], warmPools: 'stop' },
    // An Auto Scaling group of one's own.
    own: { ...place(6), cluster: 'own', nodegroups: ['own-batch'] },
    // All of them in one cluster, and a group that is kept.
    mixture: {
      ...place(7),
      cluster: 'mixture',
      keep: ['monitoring'],
      warmPools: 'stop',
      autoscaler: { ...karpenter, hostGroup: 'system' },
    },
  },
});
