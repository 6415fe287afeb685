/** The schema of what branch-deploy deploys. */
import * as z from 'zod';
import { checked, clusterName, filled, flag, minutes, object, oneOf, policyArn, text } from './fields.ts';
import { wrongBranch, wrongRepository, wrongUrl } from './values.ts';

const keyArn = filled('write the ARN of a KMS key').regex(/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
  error: 'write the ARN of a KMS key, not an alias: "arn:aws:kms:…:key/…"',
});

const certificate = z
  .string({ error: 'write the PEM of the CA certificate' })
  .regex(/-----BEGIN CERTIFICATE-----/)
  .refine((pem) => !pem.includes('PRIVATE KEY'), {
    error: 'a private key has no place here: write the certificate of the CA only',
  });

const ARGOCD_URL = 'write the address of the Argo CD server like "https://argocd.example.com"';
const ARGOCD_TOKEN = 'write the name of the Secrets Manager secret that holds the token';
const HUB_HINT =
  'write the name of the EKS cluster that the applications live in, or { name, endpoint, ca } for one in another account';
const hub = object(
  {
    name: clusterName,
    endpoint: filled('write the endpoint of the cluster').regex(/^https:\/\/[^/?#@\s]+\/?$/, {
      error: 'write the endpoint of the cluster: "https://….eks.amazonaws.com"',
    }),
    ca: certificate,
  },
  HUB_HINT,
);

const argocd = object(
  {
    // The rule for http:// needs `insecureLoopback` too: see below.
    url: filled(ARGOCD_URL).optional(),
    tokenSecret: filled(ARGOCD_TOKEN)
      .regex(/^[A-Za-z0-9/_+=.@:-]{1,512}$/)
      .optional(),
    kmsKey: keyArn.optional(),
    ca: certificate.optional(),
    insecureLoopback: flag().optional(),
    through: oneOf(['server', 'kubernetes']).optional(),
    capability: filled('write the name of the EKS capability, like "argocd"')
      .regex(/^[A-Za-z0-9][\w-]{0,99}$/, { error: 'write the name of the EKS capability, not its ARN' })
      .optional(),
    cluster: z.union([clusterName, hub], { error: HUB_HINT }).optional(),
  },
  'write { url: "https://argocd.example.com", tokenSecret: "nightshift/argocd" }',
).superRefine((value, context) => {
  const wrong = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const { url, tokenSecret, capability, cluster } = value;
  const through = value.through ?? (capability ? 'kubernetes' : 'server');
  const problem = url === undefined ? undefined : wrongUrl(url, value.insecureLoopback ?? false);
  if (problem) wrong('url', problem);
  const isElsewhere = typeof cluster === 'object';
  if (url === undefined && !capability) wrong('url', ARGOCD_URL);
  if (url !== undefined && capability && !isElsewhere)
    wrong('url', 'EKS knows the address of a capability: remove this');
  if (url === undefined && isElsewhere && through === 'server')
    wrong('url', 'EKS does not describe the capability of another account: write its address');
  if (tokenSecret === undefined && (through === 'server' || !capability)) wrong('tokenSecret', ARGOCD_TOKEN);
  if (cluster !== undefined && through === 'server' && !capability)
    wrong(
      'cluster',
      "the server is reached by its address alone: write through: 'kubernetes', or remove this",
    );
  if (tokenSecret !== undefined && /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(tokenSecret)) {
    wrong(
      'tokenSecret',
      'this looks like the token itself: put it into Secrets Manager and write the name here',
    );
  }
});

/** What they say is checked with the rules: a problem within a union of the schema would hide behind the union's own. */
const image = object(
  {
    repository: text('write the repository of the image'),
    tag: z.union([text('write a tag'), object({ exported: text('write the name of a variable') }, '')]),
    helmParameter: text('write the name of a Helm parameter').optional(),
  },
  '',
);

const application = z.union(
  [
    text('write the name of an Argo CD application'),
    object(
      {
        name: text('write the name of an Argo CD application'),
        project: text('write the name of an Argo CD project').optional(),
        namespace: text('write the namespace of the Application').optional(),
        prune: flag().optional(),
        syncOptions: z.array(text('write a sync option like "CreateNamespace=true"')).optional(),
        url: text('write where people open it').optional(),
        images: z.array(image).optional(),
        bring: oneOf(['manifest', 'restart', 'parameter']).optional(),
        revision: oneOf(['tracked', 'built']).optional(),
      },
      '',
    ),
  ],
  {
    error:
      'write the name of an Argo CD application, or { name, project, namespace, prune, syncOptions, url, images: [{ repository: "…/api", tag: "{sha7}" }], bring: "manifest", "parameter" or "restart", revision: "tracked" or "built" }',
  },
);

const buildProject = object(
  {
    connection: filled('write the ARN of a CodeConnections connection').regex(
      /^arn:[\w-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection\/[0-9a-f-]{36}$/,
      { error: 'write the ARN of a CodeConnections connection: "arn:aws:codeconnections:…:connection/…"' },
    ),
    host: z
      .enum(['github', 'gitlab', 'gitlab-self-managed', 'bitbucket'], {
        error: ({ input }) =>
          input === 'github-enterprise'
            ? 'CloudFormation cannot create the webhook of a GitHub Enterprise: remove create, and make the project by hand (docs/branch-deploy.md)'
            : "write 'github', 'gitlab', 'gitlab-self-managed' or 'bitbucket'",
      })
      .optional(),
    buildspec: text('write the path of a buildspec in the repository').optional(),
    logGroup: filled('write the name of an existing log group')
      .regex(/^[\w./#-]{1,512}$/, { error: 'write the name of an existing log group, not its ARN' })
      .optional(),
    compute: oneOf(['small', 'medium', 'large']).optional(),
    docker: flag().optional(),
    imageRepository: filled('write the name of the ECR repository like "team/api"')
      .regex(/^(?=.{2,256}$)[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/, {
        error: 'write the name alone, in lower case, like "team/api"',
      })
      .optional(),
    policies: z.array(policyArn, { error: 'write a list of ARNs of managed policies' }).optional(),
  },
  'write { connection: "arn:aws:codeconnections:…" }',
);

const build = object(
  {
    project: filled('write the name of the CodeBuild project').regex(/^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$/, {
      error: 'write the name of the CodeBuild project, not its ARN',
    }),
    repository: checked(
      filled('write the address of the repository like "https://github.com/example/api"'),
      wrongRepository,
    ),
    branch: checked(filled('write the name of the branch like "develop"'), wrongBranch),
    applications: z
      .array(application, { error: 'write a list of Argo CD applications like ["api"]' })
      .min(1, { error: 'there is no application: write at least one' }),
    announced: flag().optional(),
    create: buildProject.optional(),
  },
  'write { project: "api-develop", repository: "https://…", branch: "develop", applications: ["api"] }',
);

const statusToken = {
  // Tokens of GitHub, GitLab and Bitbucket begin so.
  tokenSecret: filled('write the name of the Secrets Manager secret that holds the token').regex(
    /^(?!gh[a-z]_|github_pat_|gl(?:pat|dt|ptt|cbt|soat|oas)-|AT[A-Z]{2,3}3x)[A-Za-z0-9/_+=.@:-]{1,512}$/,
    {
      error:
        'write the name of the Secrets Manager secret that holds the token, and put the token itself there',
    },
  ),
  kmsKey: keyArn.optional(),
};
const statusHost = (what: string, example: string) =>
  filled(`write the host of a ${what} like "${example}"`)
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/, {
      error: `write the host alone, in lower case, like "${example}"`,
    })
    .optional();

const status = object(
  {
    github: object(
      {
        ...statusToken,
        host: statusHost('GitHub Enterprise', 'github.example.com'),
        ca: certificate.optional(),
        deployments: flag().optional(),
      },
      'write { tokenSecret: "nightshift/github" }',
    ).optional(),
    gitlab: object(
      {
        ...statusToken,
        host: statusHost('self-managed GitLab', 'gitlab.example.com'),
        ca: certificate.optional(),
      },
      'write { tokenSecret: "nightshift/gitlab" }',
    ).optional(),
    bitbucket: object(statusToken, 'write { tokenSecret: "nightshift/bitbucket" }', {
      host: 'statuses are for Bitbucket Cloud only, which is bitbucket.org: remove this',
    }).optional(),
  },
  'write { github: { tokenSecret: "nightshift/github" } }',
).refine((value) => Object.keys(value).length > 0, {
  error: 'there is no host: write github, gitlab or bitbucket, or leave status out',
});

export const deploy = object(
  {
    argocd,
    builds: z
      .array(build, { error: 'write a list of builds' })
      .min(1, { error: 'there is no build: write at least one, or leave deploy out' }),
    whenAsleep: oneOf(['defer', 'wake']).optional(),
    imageMinutes: minutes(1, 60).optional(),
    driftMinutes: minutes(0, 10_080).optional(),
    status: status.optional(),
  },
  'write { argocd: { … }, builds: [ … ] }',
);
