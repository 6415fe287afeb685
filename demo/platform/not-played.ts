/** Why the lab does not play a kind of resource or object of a platform. What has no reason here is unknown to the lab. */
import type { ClusterTemplate } from '@nightshift/lab/assembly/cluster-template.ts';
import { unknownAddOns } from './add-on-pods.ts';

const NETWORK = 'the lab has no network: each address of a subnet is reachable';
const PODS = 'pods run no program';
const RECORDS = 'there is no DNS: hosts are reached through the proxy';

/** By type of CloudFormation, or kind of Kubernetes. */
const REASONS: Readonly<Record<string, string>> = {
  'AWS::EC2::VPC': NETWORK,
  'AWS::EC2::VPCGatewayAttachment': NETWORK,
  'AWS::EC2::InternetGateway': NETWORK,
  'AWS::EC2::NatGateway': NETWORK,
  'AWS::EC2::EIP': NETWORK,
  'AWS::EC2::Route': NETWORK,
  'AWS::EC2::RouteTable': NETWORK,
  'AWS::EC2::SubnetRouteTableAssociation': NETWORK,
  'AWS::EC2::SecurityGroup': NETWORK,
  'AWS::EC2::SecurityGroupIngress': NETWORK,
  'AWS::EC2::SecurityGroupEgress': NETWORK,
  'AWS::EC2::FlowLog': NETWORK,
  'AWS::Route53::HostedZone': RECORDS,
  'AWS::SSM::Parameter': 'a mark of the CDK that nothing reads',
  'AWS::Route53::RecordSet': RECORDS,
  'AWS::IAM::Role': 'roles of nodes, pods and people sign nothing here; those of the functions do',
  'AWS::IAM::Policy': 'roles of nodes, pods and people sign nothing here; those of the functions do',
  'AWS::IAM::ManagedPolicy': 'roles of nodes, pods and people sign nothing here; those of the functions do',
  'AWS::IAM::InstanceProfile': 'roles of nodes, pods and people sign nothing here; those of the functions do',
  'AWS::EKS::PodIdentityAssociation': PODS,
  'AWS::ECR::Repository': 'the registry is made from the builds of the config, without rules for tags',
  'AWS::Logs::LogGroup': 'nothing writes logs but the functions',
  'AWS::EC2::LaunchTemplate': 'nodes are Ready without a start script, on one disk',
  'AWS::EC2::Instance': 'nobody signs in to a work host',
  HorizontalPodAutoscaler: 'pods have no load: the Deployment stays at its minimum',
  Ingress: 'there is no load balancer',
  LocustTest: PODS,
  Chart:
    'charts are not rendered: only Cluster Autoscaler and a self-hosted Argo CD are played, as one Deployment each',
};

/** Kinds and how many there are of each; a reason for each group of kinds. */
export function notPlayedLines(counts: ReadonlyMap<string, number>): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const [kind, count] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
    const reason = REASONS[kind] ?? 'unknown to the lab';
    byReason.set(reason, [...(byReason.get(reason) ?? []), `${kind} × ${count}`]);
  }
  return [...byReason].map(([reason, kinds]) => `${kinds.join(', ')}: ${reason}`);
}

/** What the lab knows and plays in part. */
export function partlyPlayed(templates: readonly ClusterTemplate[]): readonly string[] {
  const versions = new Set(templates.map(({ version }) => version));
  const policies = new Set(
    templates.flatMap(({ accessEntries }) => accessEntries.flatMap((one) => one.policies)),
  );
  const strangers = new Set(templates.flatMap(({ addOns }) => unknownAddOns(addOns)));
  return [
    `Kubernetes ${[...versions].join(', ')}: the lab's API server behaves as 1.33`,
    `access policies (${[...policies].sort().join(', ')}): the entries exist, what their policies allow is not evaluated`,
    ...(strangers.size > 0 ? [`add-ons without pods in the lab: ${[...strangers].join(', ')}`] : []),
    'CronJobs start their Jobs, whose pods run no program: the weekly reset of the sandbox deletes nothing',
  ];
}
