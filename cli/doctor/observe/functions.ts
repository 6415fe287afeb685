/** Observes the deployed functions: their settings, and the access entries of their roles. */
import { DescribeAccessEntryCommand, type EKSClient } from '@aws-sdk/client-eks';
import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { errorName } from '#functions/adapters/aws/errors.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { Capability } from '#model/decision.ts';
import { functionNameOf } from '#model/names.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import { configuredFunctions, type DeployedFunction } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

export function observeFunctions(
  clients: { readonly lambda: LambdaClient; readonly eks: EKSClient },
  environment: { readonly name: string; readonly cluster: string },
  settings: EnvironmentSettings,
): Promise<Observation<readonly DeployedFunction[]>> {
  return observe('lambda:GetFunctionConfiguration', () =>
    Promise.all(
      configuredFunctions(settings).map(({ capability }) =>
        observeFunction(clients, environment, capability),
      ),
    ),
  );
}

async function observeFunction(
  { lambda, eks }: { readonly lambda: LambdaClient; readonly eks: EKSClient },
  { name, cluster }: { readonly name: string; readonly cluster: string },
  capability: Capability,
): Promise<DeployedFunction> {
  const FunctionName = functionNameOf(name, capability);
  try {
    const { Environment, Role } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const { settings } = readSettings<Record<string, unknown>>(Environment?.Variables ?? {});
    const role = Role ?? '';
    const kubernetesGroups = await observe('eks:DescribeAccessEntry', () => groupsOf(eks, cluster, role));
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
    // EKS also rejects the request when the cluster has no access entries at all; the check `access` reports that.
    if (['ResourceNotFoundException', 'InvalidRequestException'].includes(errorName(error))) return undefined;
    throw error;
  }
}
