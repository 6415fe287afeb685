/** The files that `init` writes: pure, from what was found. */
import type { Found, FoundCluster, FoundProject } from './found.ts';

export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export type CiKind = 'github' | 'gitlab';

export interface ProjectOptions {
  readonly found: Found;
  /** The zone of the machine, for the first schedule. */
  readonly timeZone: string;
  readonly ci: CiKind | undefined;
  /** Versions for a new `package.json`. */
  readonly versions: Readonly<Record<'eks-nightshift' | 'aws-cdk-lib' | 'constructs' | 'aws-cdk', string>>;
}

const SAMPLE: FoundCluster = {
  name: 'develop',
  account: '111111111111',
  region: 'eu-west-1',
  nodegroups: [],
  tags: {},
};

/** Everything but the manifests, which are copied from the package. */
export function projectFiles({ found, timeZone, ci, versions }: ProjectOptions): readonly ProjectFile[] {
  return [
    { path: 'package.json', text: packageJson(versions) },
    { path: 'nightshift.config.ts', text: configText(found, timeZone) },
    { path: 'app.ts', text: APP },
    { path: 'cdk.json', text: CDK_JSON },
    { path: '.gitignore', text: 'node_modules/\ncdk.out/\n' },
    ...(ci === 'github' ? [{ path: '.github/workflows/nightshift.yml', text: GITHUB }] : []),
    ...(ci === 'gitlab' ? [{ path: '.gitlab-ci.yml', text: GITLAB }] : []),
  ];
}

function packageJson({ 'aws-cdk': cli, ...dependencies }: ProjectOptions['versions']): string {
  const content = {
    private: true,
    type: 'module',
    scripts: { plan: 'nightshift plan', synth: 'cdk synth --quiet', diff: 'cdk diff', deploy: 'cdk deploy' },
    dependencies,
    devDependencies: { 'aws-cdk': cli },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const APP = `import { runApp } from 'eks-nightshift';

// One stack for each environment of nightshift.config.ts: Nightshift-<environment>.
await runApp();
`;

const CDK_JSON = `${JSON.stringify({ app: 'node --disable-warning=ExperimentalWarning app.ts', output: 'cdk.out', requireApproval: 'broadening' }, null, 2)}\n`;

function configText({ clusters, projects }: Found, timeZone: string): string {
  const isSample = clusters.length === 0;
  const shown = isSample ? [SAMPLE] : clusters;
  const names = environmentNames(shown);
  const environments = shown.map((cluster, index) =>
    environmentText(names[index] ?? cluster.name, cluster, projects),
  );
  return `import { defineConfig } from 'eks-nightshift';

export default defineConfig({
  schedules: {
    // When the clusters are up. Public holidays: docs/night-schedule.md of the package.
    office: { timeZone: ${quoted(timeZone)}, up: ['Mon-Fri 08:00-20:00'] },
  },

  // What every environment has that does not say otherwise. A dry run decides and reports, and changes nothing.
  defaults: { schedule: 'office', dryRun: true },

  environments: {
${isSample ? '    // A sample: write your account, region and cluster.\n' : ''}${environments.join('\n')}
  },
});
`;
}

/** Two clusters of one name get their region, and if need be their account, as well. */
export function environmentNames(clusters: readonly FoundCluster[]): readonly string[] {
  const forms = [
    ({ name }: FoundCluster) => name,
    ({ name, region }: FoundCluster) => `${name}-${region}`,
    ({ name, region, account }: FoundCluster) => `${name}-${region}-${account}`,
  ];
  return clusters.map((cluster) => {
    const form =
      forms.find((of) => clusters.filter((other) => of(other) === of(cluster)).length === 1) ?? forms[2];
    return environmentName(form?.(cluster) ?? cluster.name);
  });
}

/** Names of environments have lower-case letters, digits and hyphens. */
function environmentName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return name === '' ? 'cluster' : name;
}

/** A cluster that may be production is written as production: it is never stopped until somebody says otherwise. */
export function looksLikeProduction({ name, tags }: FoundCluster): boolean {
  return [name, ...Object.values(tags)].some((text) =>
    /(^|[^a-z])(prod|production|prd|live)([^a-z]|$)/i.test(text),
  );
}

function environmentText(name: string, cluster: FoundCluster, projects: readonly FoundProject[]): string {
  const { account, region } = cluster;
  const isProduction = looksLikeProduction(cluster);
  const lines = [
    ...(isProduction ? ['production: true,'] : []),
    `account: ${quoted(account)},`,
    `region: ${quoted(region)},`,
    `cluster: ${quoted(cluster.name)},`,
    ...(cluster.nodegroups.length > 0 ? [`// nodegroups found: ${cluster.nodegroups.join(', ')}`] : []),
    ...(isProduction ? [] : [...autoscalerLines(cluster), ...argocdLines(cluster, projects)]),
  ];
  return [`    ${keyOf(name)}: {`, ...lines.map((line) => `      ${line}`), '    },'].join('\n');
}

function autoscalerLines({ autoscaler }: FoundCluster): readonly string[] {
  if (!autoscaler) return [];
  if (autoscaler.kind === 'auto-mode') return [`autoscaler: { kind: 'auto-mode' },`];
  const { kind, namespace, deployment, hostGroup } = autoscaler;
  const line = `autoscaler: { kind: '${kind}', namespace: ${quoted(namespace)}, deployment: ${quoted(deployment)}${hostGroup === undefined ? '' : `, hostGroup: ${quoted(hostGroup)}`} },`;
  // The Cluster Autoscaler needs its host group, which is not known.
  if (kind === 'cluster-autoscaler' && hostGroup === undefined)
    return ['// found; add hostGroup, the nodegroup on which it runs:', `// ${line}`];
  return [line];
}

function argocdLines({ argocd, region }: FoundCluster, all: readonly FoundProject[]): readonly string[] {
  const projects = all.filter((project) => project.region === region);
  if (!argocd && projects.length === 0) return [];
  const address =
    argocd?.kind === 'capability'
      ? `{ capability: ${quoted(argocd.capability)} }`
      : "{ url: 'https://argocd.example.com', tokenSecret: 'nightshift/argocd' }";
  return [
    ...(argocd?.kind === 'own' ? [`// Argo CD runs in the namespace ${argocd.namespace}.`] : []),
    '// Which build deploys which applications: docs/branch-deploy.md of the package.',
    '// deploy: {',
    `//   argocd: ${address},`,
    '//   builds: [',
    ...projects.map(
      ({ name, repository }) =>
        `//     { project: ${quoted(name)}, repository: ${quoted(repository)}, branch: 'develop', applications: ['…'] },`,
    ),
    '//   ],',
    '// },',
  ];
}

function keyOf(name: string): string {
  return /^[a-z][a-z0-9]*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const GITHUB = `# Shows on each pull request what the change does: the plan, and the difference to what is deployed.
name: nightshift
on:
  pull_request:
permissions:
  contents: read
  id-token: write
jobs:
  plan:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 24, cache: npm }
      - run: npm ci
      - run: npx nightshift plan --days 14
      - run: npx cdk synth --quiet
      # A role with the policy of "npx nightshift policy deployer". Without the variable the difference is left out.
      - if: vars.NIGHTSHIFT_ROLE != ''
        uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: \${{ vars.NIGHTSHIFT_ROLE }}
          aws-region: \${{ vars.NIGHTSHIFT_REGION }}
      - if: vars.NIGHTSHIFT_ROLE != ''
        run: npx cdk diff
`;

const GITLAB = `# Shows on each merge request what the change does: the plan, and the difference to what is deployed.
nightshift:
  image: node:24
  rules:
    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'
  id_tokens:
    AWS_TOKEN: { aud: https://gitlab.com }
  script:
    - npm ci
    - npx nightshift plan --days 14
    - npx cdk synth --quiet
    # A role with the policy of "npx nightshift policy deployer". Without the variable the difference is left out.
    - |
      if [ -n "$NIGHTSHIFT_ROLE" ]; then
        export AWS_ROLE_ARN="$NIGHTSHIFT_ROLE" AWS_WEB_IDENTITY_TOKEN_FILE=/tmp/token
        printf '%s' "$AWS_TOKEN" > "$AWS_WEB_IDENTITY_TOKEN_FILE"
        npx cdk diff
      fi
`;
