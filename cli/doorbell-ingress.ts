/** `doorbell-ingress`: the Ingress with which the load balancer controller forwards to the doorbell; offline. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { regionOfTargetGroup } from '#model/doorbell.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';

/** The controller ranks the Ingresses of a group by it, the lowest first: ours comes last. */
const LAST = '1000';
const ACTION = 'nightshift-doorbell';

export interface DoorbellIngressOptions {
  /** ARN. */
  readonly targetGroup: string;
  readonly namespace?: string;
  /** EKS Auto Mode reads no group of an Ingress: there the class has it. */
  readonly ingressClass?: string;
}

export function printDoorbellIngress(
  loaded: LoadedConfig,
  name: string,
  { targetGroup, namespace = 'default', ingressClass = 'alb' }: DoorbellIngressOptions,
  io: Pick<Io, 'out'>,
): void {
  const environment = environmentOf(loaded, name);
  const { account, region } = environment;
  const ingress = environment.production ? undefined : environment.doorbell?.ingress;
  if (!ingress)
    throw new RefusedError(
      `"${name}" has no doorbell.ingress in its config: add ingress: { host: 'wake.example.com', group: 'develop' }`,
    );
  const found = regionOfTargetGroup(targetGroup);
  if (found === undefined)
    throw new RefusedError(
      `"${targetGroup}" is no ARN of a target group: the output DoorbellTargetGroupArn of the stack has it`,
    );
  const owner = targetGroup.split(':')[4];
  if (found !== region || owner !== account)
    throw new RefusedError(
      `the target group is of ${owner} in ${found}, and "${name}" of ${account} in ${region}: a load balancer forwards to its own account and region only`,
    );
  io.out(JSON.stringify(manifest({ ...ingress, namespace, targetGroup, ingressClass }), null, 2));
}

function manifest(given: {
  readonly host: string;
  readonly group: string;
  readonly namespace: string;
  readonly targetGroup: string;
  readonly ingressClass: string;
}): object {
  const forward = {
    type: 'forward',
    forwardConfig: { targetGroups: [{ targetGroupARN: given.targetGroup }] },
  };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: ACTION,
      namespace: given.namespace,
      labels: { 'app.kubernetes.io/part-of': 'eks-nightshift' },
      annotations: {
        'alb.ingress.kubernetes.io/group.name': given.group,
        'alb.ingress.kubernetes.io/group.order': LAST,
        [`alb.ingress.kubernetes.io/actions.${ACTION}`]: JSON.stringify(forward),
      },
    },
    spec: {
      ingressClassName: given.ingressClass,
      rules: [
        {
          host: given.host,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                // No Service: the name is that of the action.
                backend: { service: { name: ACTION, port: { name: 'use-annotation' } } },
              },
            ],
          },
        },
      ],
    },
  };
}
