/** What a deploy stands on: the claims of the Argo CD token, and the webhooks of the CodeBuild projects. */
import { BatchGetProjectsCommand, type CodeBuildClient } from '@aws-sdk/client-codebuild';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createSecret } from '#functions/adapters/aws/secret.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Answer } from '../finding.ts';
import type { ProjectFacts, TokenClaims } from '../site.ts';
import { asking } from './asking.ts';

const MOST_AT_ONCE = 100;

/** The token is read to look at its claims; it goes no further. */
export function gatherToken(client: SecretsManagerClient, secret: string): Promise<Answer<TokenClaims>> {
  return asking(`secretsmanager:GetSecretValue on ${secret}`, async () =>
    claimsOf(await createSecret(client, secret).read()),
  );
}

/** Throws `NightshiftError` for what is no JSON Web Token; nothing of the text is in the message. */
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
      'the secret holds no token of Argo CD: put the bare token there, as argocd prints it',
    );
  }
  return { subject: sub, ...(typeof exp === 'number' ? { expires: new Date(exp * 1000) } : {}) };
}

export function gatherProjects(
  client: CodeBuildClient,
  names: readonly string[],
): Promise<Answer<readonly ProjectFacts[]>> {
  return asking('codebuild:BatchGetProjects', async () => {
    const facts: ProjectFacts[] = [];
    for (let from = 0; from < names.length; from += MOST_AT_ONCE) {
      const some = names.slice(from, from + MOST_AT_ONCE);
      const { projects = [] } = await client.send(new BatchGetProjectsCommand({ names: some }));
      for (const name of some) {
        const project = projects.find((one) => one.name === name);
        if (!project) facts.push({ name });
        else
          facts.push({
            name,
            found: {
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
