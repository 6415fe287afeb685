/** Does Argo CD undo at night what the stop pauses? */
import type { ApplicationFacts, EnvironmentFacts, NodePoolFacts, ObjectId } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

/** What a stop changes, and the field of it. */
interface PausedField {
  readonly object: ObjectId;
  /** A JSON pointer. */
  readonly field: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const TRACKING_ID = 'argocd.argoproj.io/tracking-id';
const RESPECT = 'RespectIgnoreDifferences=true';

export const pauseUndone: Check = {
  name: 'pause-undone',
  why: 'an Argo CD with self-heal sets back within seconds what a stop has paused, and the nodes start again',
  evaluate(facts) {
    const { environment, kubernetes } = facts;
    if (environment.production || facts.schedule === undefined) return [];
    return whenObserved(
      [kubernetes.deployments, kubernetes.nodePools, kubernetes.applications],
      (deployments, pools, applications) => {
        const paused = [...pausedDeployment(facts, deployments), ...pausedPools(facts, pools)];
        const problems = paused.flatMap((field) => problemsOf(field, applications));
        return problems.length > 0
          ? problems
          : [{ severity: 'ok', found: 'no application of Argo CD sets back what a stop pauses' }];
      },
    );
  },
};

type Deployments = Extract<EnvironmentFacts['kubernetes']['deployments'], { value: unknown }>['value'];

function pausedDeployment(
  { environment }: EnvironmentFacts,
  deployments: Deployments,
): readonly PausedField[] {
  const autoscaler = environment.production ? undefined : environment.autoscaler;
  if (autoscaler?.kind !== 'cluster-autoscaler') return [];
  const { namespace, deployment: name } = autoscaler;
  const found = deployments.find(
    ({ metadata }) => metadata?.namespace === namespace && metadata.name === name,
  );
  return [
    {
      object: { group: 'apps', kind: 'Deployment', namespace, name },
      field: '/spec/replicas',
      annotations: found?.metadata?.annotations ?? {},
    },
  ];
}

function pausedPools(
  { environment }: EnvironmentFacts,
  pools: readonly NodePoolFacts[],
): readonly PausedField[] {
  const autoscaler = environment.production ? undefined : environment.autoscaler;
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return [];
  return pools
    .filter(({ name, isBuiltIn }) => !isBuiltIn && autoscaler.nodePools?.includes(name) !== false)
    .map(({ name, isStatic, annotations }) => ({
      object: { group: 'karpenter.sh', kind: 'NodePool', name },
      field: isStatic ? '/spec/replicas' : '/spec/limits',
      annotations,
    }));
}

function problemsOf(paused: PausedField, applications: readonly ApplicationFacts[]): readonly CheckResult[] {
  const owners = applications.filter(({ resources }) => resources.some((one) => isSame(one, paused.object)));
  if (owners.length > 0) return owners.flatMap((owner) => problemOf(owner, paused));
  // Its application may be in the Argo CD of another cluster, where nobody can be asked from here.
  const tracked = paused.annotations[TRACKING_ID]?.split(':')[0];
  if (!tracked || applications.some(({ name }) => name === tracked)) return [];
  return [
    {
      severity: 'warning',
      target: textOf(paused.object),
      found: `the application ${tracked} of an Argo CD elsewhere manages it: with self-heal it sets ${paused.field} back at night`,
      advice: adviceFor(tracked, paused),
    },
  ];
}

function problemOf(owner: ApplicationFacts, paused: PausedField): readonly CheckResult[] {
  if (!owner.isAutomated || isIgnored(owner, paused)) return [];
  const name = `${owner.namespace}/${owner.name}`;
  return [
    {
      severity: owner.selfHeal ? 'failure' : 'warning',
      target: textOf(paused.object),
      found: owner.selfHeal
        ? `the application ${name} manages it with self-heal: it sets ${paused.field} back within seconds after the stop`
        : `the application ${name} syncs it automatically: the next commit at night sets ${paused.field} back`,
      advice: adviceFor(name, paused),
    },
  ];
}

function isIgnored({ ignored, syncOptions }: ApplicationFacts, { object, field }: PausedField): boolean {
  const isCovered = ignored.some(
    ({ group = '', kind, namespace, name, jsonPointers = [], jqPathExpressions = [] }) =>
      (group === '*' || group === object.group) &&
      (kind === '*' || kind === object.kind) &&
      (!namespace || namespace === object.namespace) &&
      (!name || name === object.name) &&
      (jsonPointers.some((pointer) => field === pointer || field.startsWith(`${pointer}/`)) ||
        jqPathExpressions.includes(field.replaceAll('/', '.'))),
  );
  return isCovered && syncOptions.includes(RESPECT);
}

/** As YAML that can be pasted. */
function adviceFor(application: string, { object, field }: PausedField): string {
  const { group, kind, namespace, name } = object;
  const place = namespace ? `namespace: ${namespace}, ` : '';
  return `add to the spec of the application ${application}: ignoreDifferences: [{ group: ${group}, kind: ${kind}, ${place}name: ${name}, jsonPointers: [${field}] }], and to its syncPolicy: syncOptions: [${RESPECT}]`;
}

function isSame(a: ObjectId, b: ObjectId): boolean {
  return (
    a.group === b.group &&
    a.kind === b.kind &&
    a.name === b.name &&
    (a.namespace ?? '') === (b.namespace ?? '')
  );
}

function textOf({ kind, namespace, name }: ObjectId): string {
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
}
