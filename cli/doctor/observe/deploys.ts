/** Observes what a deploy depends on: the Argo CD token and the webhooks of the CodeBuild projects. */
import { BatchGetProjectsCommand, type CodeBuildClient } from '@aws-sdk/client-codebuild';
import type { EKSClient } from '@aws-sdk/client-eks';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describeArgocdCapability } from '#functions/adapters/argocd/capability.ts';
import { createSecret } from '#functions/adapters/aws/secret.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { ArgocdCapabilityFacts, ProjectFacts, TokenClaims } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

/** Limit of BatchGetProjects. */
const BATCH_SIZE = 100;

/** Reads the token for its claims only. */
export function observeToken(
  client: SecretsManagerClient,
  secret: string,
): Promise<Observation<TokenClaims>> {
  return observe(`secretsmanager:GetSecretValue on ${secret}`, async () =>
    claimsOf(await createSecret(client, secret).read()),
  );
}

export function observeCapability(
  client: EKSClient,
  cluster: string,
  name: string,
): Promise<Observation<ArgocdCapabilityFacts>> {
  return observe(`eks:DescribeCapability on ${name} of ${cluster}`, async () => {
    const found = await describeArgocdCapability(client, cluster, name);
    return found.ok ? { name, existing: found.value } : { name, problem: found.error.detail };
  });
}

/** Throws a `NightshiftError` when the text is not a JSON Web Token; its message contains nothing of the text. */
export function claimsOf(token: string): TokenClaims {
  const payload = token.split('.')[1] ?? '';
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    claims = undefined;
  }
  const { sub, exp } = (typeof claims === 'object' && claims !== null ? claims : {}) as {
    sub?: unknown;
    exp?: unknown;
  };
  if (typeof sub !== 'string') {
    throw new NightshiftError(
      'the secret does not contain an Argo CD token: store the token as argocd prints it',
    );
  }
  return { subject: sub, ...(typeof exp === 'number' ? { expires: new Date(exp * 1000) } : {}) };
}

export function observeProjects(
  client: CodeBuildClient,
  names: readonly string[],
): Promise<Observation<readonly ProjectFacts[]>> {
  return observe('codebuild:BatchGetProjects', async () => {
    const facts: ProjectFacts[] = [];
    for (let from = 0; from < names.length; from += BATCH_SIZE) {
      const some = names.slice(from, from + BATCH_SIZE);
      const { projects = [] } = await client.send(new BatchGetProjectsCommand({ names: some }));
      for (const name of some) {
        const project = projects.find((one) => one.name === name);
        if (!project) facts.push({ name });
        else
          facts.push({
            name,
            existing: {
              source: project.source?.location ?? '',
              ...(project.webhook
                ? {
                    filterGroups: (project.webhook.filterGroups ?? []).map((group) =>
                      group.map(({ type, pattern, excludeMatchedPattern }) => ({
                        type: type ?? '',
                        pattern: pattern ?? '',
                        excludeMatchedPattern: excludeMatchedPattern ?? false,
                      })),
                    ),
                  }
                : {}),
            },
          });
      }
    }
    return facts;
  });
}
