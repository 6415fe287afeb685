/**
 * Least privilege at run time: the synthesized functions run for an hour with many failures, on a lab that evaluates the
 * policies of their roles at each AWS call. A call that no statement allows fails the test, and so does a part of a
 * policy that no call needs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAssembly } from '@nightshift/lab/assembly/assembly.ts';
import { readDeployment } from '@nightshift/lab/assembly/deployment.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, type LabEnvironment, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { functionNameOf } from '#model/names.ts';
import { manifestsOf } from '#test/functions/adapters/kubernetes/a-lab-cluster.ts';
import { ANNOUNCED, addGroups, build, config, MINUTE, RARE_TYPE, START } from '#test/permissions/an-hour.ts';
import { putEvents } from '#test/permissions/put-events.ts';
import { keepLedger, type Ledger, unusedOf } from '#test/permissions/used.ts';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-permissions-'));
let lab: Lab | undefined;
let ledgers: readonly Ledger[] = [];

beforeAll(async () => {
  const assemblyDir = join(directory, 'out');
  new NightshiftApp({ config, now: START, outdir: assemblyDir }).synth();
  const { stacks } = await readAssembly(assemblyDir);
  const ledger = keepLedger(stacks.map(readDeployment));
  lab = await startLab({ config, assemblyDir, start: START, onAuthorize: ledger.note });
  await runHour(lab);
  ledgers = ledger.ledgers();
});

afterAll(async () => {
  await lab?.close();
  rmSync(directory, { recursive: true });
});

/** Needed only while a stack is removed, which this hour has not: test/slow/removal-permissions.test.ts makes these calls. */
const OF_A_REMOVAL = [
  'nightshift-develop-night-schedule lambda:InvokeFunction arn:aws:lambda:ap-northeast-1:111111111111:function:nightshift-develop-night-schedule',
  'nightshift-staging-night-schedule lambda:InvokeFunction arn:aws:lambda:ap-northeast-1:222222222222:function:nightshift-staging-night-schedule',
];

/**
 * Needed only for a project that was created again, which this hour has not, and for a build of a batch, which only
 * staging and rehearsal have: `test/functions/adapters/aws/codebuild.test.ts` makes these calls.
 */
const RARE =
  /^nightshift-(develop-branch-deploy codebuild:BatchGetBuildBatches|\w+-branch-deploy codebuild:BatchGetProjects) /;

describe('an hour with an evening, a night and a morning', () => {
  test('makes no call that a policy denies', () => {
    expect(ledgers.flatMap(({ name, refused }) => refused.map((call) => `${name} ${call}`))).toEqual([]);
  });

  test('replaces an interrupted instance early when the config enables it', () => {
    const detached = (lab?.environments ?? []).flatMap(({ cluster }) =>
      [...cluster.groups.values()].flatMap(({ name, activities }) =>
        activities.filter(({ kind }) => kind === 'detach').map(({ statusCode }) => `${name}: ${statusCode}`),
      ),
    );
    expect(detached).toEqual(['develop-batch: Successful']);
  });

  test('needs every part of every policy', () => {
    const counts = ledgers.map((ledger) => {
      const used = ledger.parts.size - unusedOf(ledger).length;
      return `${ledger.name}: ${ledger.parts.size} allowed, ${used} used, in ${ledger.calls} calls`;
    });
    console.log(counts.join('\n'));
    const unused = ledgers.flatMap((one) => unusedOf(one).map((part) => `${one.name} ${part}`));
    expect(unused.filter((part) => !RARE.test(part))).toEqual(OF_A_REMOVAL);
  });
});

test('a build that ran elsewhere is deployed by the event that it sends', () => {
  const about = (lab?.decisions ?? []).filter((decision) => decision['build'] === 'web-develop:run-1');
  expect(about.at(-1)).toMatchObject({ target: 'web', action: 'deployed' });
  expect(about.at(-1)?.reason).toMatch(/pods run web@sha256:/);
});

interface Environments {
  readonly develop: LabEnvironment;
  readonly staging: LabEnvironment;
  readonly rehearsal: LabEnvironment;
  readonly production: LabEnvironment;
}

async function runHour(lab: Lab): Promise<void> {
  const find = (name: string) => lab.environments.find((one) => one.name === name) as LabEnvironment;
  const environments: Environments = {
    develop: find('develop'),
    staging: find('staging'),
    rehearsal: find('rehearsal'),
    production: find('production'),
  };
  addGroups(lab);
  await scheduleDeploys(lab, environments);
  scheduleInterruptions(lab, environments);
  scheduleResizes(lab);
  await lab.context.clock.runUntil(START.getTime() + 77 * MINUTE);
}

const at = (lab: Lab, minute: number, act: () => void) =>
  lab.context.clock.at(START.getTime() + minute * MINUTE, act);

async function scheduleDeploys(lab: Lab, { develop, staging, rehearsal }: Environments): Promise<void> {
  const headOf = ({ name }: LabEnvironment) => ({
    repository: build(name).repository,
    ref: `refs/heads/${name}`,
  });
  const merge = (environment: LabEnvironment) =>
    lab.codebuild.push({ ...headOf(environment), message: 'a feature' });
  // RBAC denies the first deploy to staging: its Role is applied later.
  const role = await manifestsOf('argocd/branch-deploy');
  // Argo CD rejects the first deploy to develop: its token is not the one in the secret.
  const { account, region } = develop.config;
  const secret = { account, region, name: `nightshift/argocd-${develop.name}` };
  const token = lab.aws.secrets.get(secret, secret.name).value;
  lab.aws.putSecret({ ...secret, value: 'expired' });

  for (const { config } of [staging, rehearsal])
    lab.codebuild.changeProject(
      { account: config.account, region: config.region, name: `api-${config.cluster}` },
      { batch: [{ identifier: 'arm64' }, { identifier: 'amd64' }] },
    );
  // Its job pushes the image, and announces the end.
  at(lab, 45, () => void announceWeb(lab, develop));
  at(lab, 0.1, () => {
    for (const environment of [develop, staging, rehearsal]) merge(environment);
  });
  at(lab, 8.85, () => lab.aws.putSecret({ ...secret, value: token }));
  at(lab, 14, () => {
    merge(develop);
    merge(staging);
  });
  at(lab, 20, () => staging.kubernetes.applyObjects(role));
  // A commit without a webhook delivery: later the application is still behind it.
  at(lab, 42, () =>
    lab.codebuild.git.push({ ...headOf(develop), author: 'somebody', message: 'without a webhook delivery' }),
  );
}

async function announceWeb(lab: Lab, { config, argocd, operator }: LabEnvironment): Promise<void> {
  const { account, region } = config;
  const { repository, branch, project } = ANNOUNCED;
  const { sha } = lab.codebuild.push({ repository, ref: `refs/heads/${branch}` });
  lab.images.addRepository({ account, region }, 'web');
  lab.images.push({ account, region }, { name: 'web', tag: sha });
  argocd?.changeApplication('web', {
    deployments: [
      {
        namespace: 'web',
        name: 'web',
        image: `${account}.dkr.ecr.${region}.amazonaws.com/web:${sha}`,
        replicas: 2,
      },
    ],
  });
  const detail = { status: 'SUCCEEDED', run: 'run-1', number: 1, commit: sha, exported: { IMAGE_TAG: sha } };
  const entry = { Source: 'nightshift.build', DetailType: project, Detail: JSON.stringify(detail) };
  const by = { endpoint: lab.front.url, region, principal: operator, now: lab.context.clock.date() };
  const { FailedEntryCount: failed } = await putEvents([entry], by);
  if (failed > 0) throw new Error('the event was not accepted');
}

function scheduleInterruptions(lab: Lab, { develop, staging, rehearsal, production }: Environments): void {
  const spotIn = (environment: LabEnvironment, group: string) => {
    const found = lab.aws
      .instances(environment.cluster)
      .find((one) => one.group.name === group && one.view.capacityType === 'SPOT' && one.state === 'running');
    if (!found) throw new Error(`no spot instance runs in ${group}`);
    return found.id;
  };
  at(lab, 1, () => {
    for (const environment of [develop, staging, rehearsal, production])
      lab.aws.recommendRebalance(spotIn(environment, `${environment.name}-batch`));
    const { account, region } = rehearsal.config;
    const instanceIds = [spotIn(rehearsal, 'rehearsal-batch')];
    lab.aws.healthEvent({ account, region, instanceIds, statusCode: 'closed' });
  });
  at(lab, 2, () => {
    lab.aws.interruptSpot(spotIn(develop, 'develop-batch'));
    // Denied once in each environment: a failure that is notified.
    for (const { name, config } of [develop, staging, production]) {
      const drain = lab.assembly.find({ ...config, function: functionNameOf(name, 'spot-drain') });
      if (!drain) throw new Error(`${name} has no spot-drain`);
      const principal = drain.spec.roleArn;
      const operation = 'CompleteLifecycleAction';
      lab.front.faults.add({ service: 'autoscaling', operation, principal, kind: 'access-denied' });
    }
  });
  at(lab, 24, () => lab.aws.setCapacity({ type: RARE_TYPE, available: false }));
  at(lab, 43, () => lab.aws.setCapacity({ type: RARE_TYPE, available: true }));
  at(lab, 11, () => lab.aws.setCapacity({ capacityType: 'SPOT', available: false }));
  at(lab, 34.5, () => lab.aws.setCapacity({ capacityType: 'SPOT', available: true }));
}

function scheduleResizes(lab: Lab): void {
  at(lab, 8.85, () => {
    for (const environment of lab.environments) {
      const slow = lab.aws
        .groups(environment.cluster)
        .find(({ name }) => name === `${environment.name}-slow`);
      if (!slow) throw new Error(`${environment.name} has no group ${environment.name}-slow`);
      lab.aws.resizeAsPerson(slow, { min: 0, desired: 0 });
    }
  });
}
