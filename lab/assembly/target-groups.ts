/** Target groups of a template whose target is a function. */
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import { objects } from './properties.ts';
import type { Resource } from './stack-scope.ts';

export interface TargetGroupSpec {
  readonly name: string;
  readonly functionArn: string;
  /** The function's policy lets Elastic Load Balancing invoke it from this group. */
  readonly isPermitted: boolean;
}

export function readTargetGroup(
  { name: stack, account, region }: Stack,
  { logicalId, properties }: Resource,
  resources: readonly Resource[],
): TargetGroupSpec {
  const name = String(properties['Name']);
  const targets = objects(properties['Targets']);
  if (properties['TargetType'] !== 'lambda' || targets.length !== 1)
    throw new AssemblyError(
      `the target group ${logicalId} of ${stack} must have the type lambda and one target`,
    );
  if (!/^(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/.test(name))
    throw new AssemblyError(`Target group name '${name}' must have at most 32 letters, digits and hyphens`);
  for (const property of ['VpcId', 'Port', 'Protocol'])
    if (properties[property] !== undefined)
      throw new AssemblyError(`the target group ${logicalId} of the type lambda has ${property}`);
  const functionArn = String(targets[0]?.['Id']);
  const arn = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/`;
  return {
    name,
    functionArn,
    isPermitted: resources.some(
      ({ type, properties: given }) =>
        type === 'AWS::Lambda::Permission' &&
        given['Action'] === 'lambda:InvokeFunction' &&
        given['Principal'] === 'elasticloadbalancing.amazonaws.com' &&
        [functionArn, functionArn.split(':').at(-1)].includes(String(given['FunctionName'])) &&
        (given['SourceArn'] === undefined || String(given['SourceArn']) === `${arn}*`),
    ),
  };
}
