/** The functions as they are deployed: their settings, and the access entries of their roles. */
import { DescribeAccessEntryCommand, type EKSClient } from '@aws-sdk/client-eks';
import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { errorName } from '#functions/adapters/aws/errors.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { Capability } from '#model/decision.ts';
import { functionNameOf } from '#model/names.ts';
import type { Answer } from '../finding.ts';
import type { DeployedFunction } from '../site.ts';
import { asking } from './asking.ts';

export function gatherFunctions(
  clients: { readonly lambda: LambdaClient; readonly eks: EKSClient },
  environment: { readonly name: string; readonly cluster: string },
  capabilities: readonly Capability[],
): Promise<Answer<readonly DeployedFunction[]>> {
  return asking('lambda:GetFunctionConfiguration', () =>
    Promise.all(capabilities.map((capability) => gatherOne(clients, environment, capability))),
  );
}

async function gatherOne(
  { lambda, eks }: { readonly lambda: LambdaClient; readonly eks: EKSClient },
  { name, cluster }: { readonly name: string; readonly cluster: string },
  capability: Capability,
): Promise<DeployedFunction> {
  const FunctionName = functionNameOf(name, capability);
  try {
    const { Environment, Role } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const { settings } = readSettings<Record<string, unknown>>(Environment?.Variables ?? {});
    const role = Role ?? '';
    const kubernetesGroups = await asking('eks:DescribeAccessEntry', () => groupsOf(eks, cluster, role));
    return { capability, settings, role, kubernetesGroups };
  } catch (error) {
    if (errorName(error) === 'ResourceNotFoundException') return { capability };
    throw error;
  }
}

async function groupsOf(
  eks: EKSClient,
  clusterName: string,
  principalArn: string,
): Promise<readonly string[] | undefined> {
  try {
    const { accessEntry } = await eks.send(new DescribeAccessEntryCommand({ clusterName, principalArn }));
    return accessEntry?.kubernetesGroups ?? [];
  } catch (error) {
    // Also where the cluster keeps no access entries at all: the check of its mode says so.
    if (['ResourceNotFoundException', 'InvalidRequestException'].includes(errorName(error))) return undefined;
    throw error;
  }
}
