/** Target groups of load balancers whose target is a function. */
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import type { JsonObject } from './intrinsics.ts';
import { like } from './permissions.ts';
import { objects } from './properties.ts';
import type { Resource } from './stack-scope.ts';

export interface TargetGroupSpec {
  readonly account: string;
  readonly region: string;
  readonly arn: string;
  readonly functionName: string;
}

/** Elastic Load Balancing refuses to register a function that it may not invoke: so does this. */
export function readTargetGroup(
  stack: Stack,
  { logicalId, properties }: Resource,
  { arn, resources }: { readonly arn: string; readonly resources: readonly Resource[] },
): TargetGroupSpec {
  const [target, ...more] = objects(properties['Targets']);
  if (properties['TargetType'] !== 'lambda' || !target || more.length > 0)
    throw new AssemblyError(`${stack.name}: the lab supports target groups with one function: ${logicalId}`);
  const functionArn = String(target['Id']);
  const functionName = functionArn.split(':').at(-1) ?? functionArn;
  const isPermitted = resources
    .filter(({ type }) => type === 'AWS::Lambda::Permission')
    .some((permission) => permits(permission.properties, { arn, functionArn, functionName }));
  if (!isPermitted)
    throw new AssemblyError(
      `${stack.name}: elasticloadbalancing principal does not have permission to invoke ${functionArn} from target group ${arn}`,
    );
  return { account: stack.account, region: stack.region, arn, functionName };
}

function permits(
  { Action, Principal, FunctionName, SourceArn }: JsonObject,
  at: { readonly arn: string; readonly functionArn: string; readonly functionName: string },
): boolean {
  return (
    Action === 'lambda:InvokeFunction' &&
    Principal === 'elasticloadbalancing.amazonaws.com' &&
    (FunctionName === at.functionArn || FunctionName === at.functionName) &&
    (SourceArn === undefined || like(String(SourceArn), at.arn))
  );
}
