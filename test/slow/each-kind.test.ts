/**
 * A night of each kind of compute on the lab, with the functions as they would be deployed: nothing that is not kept runs
 * between the confirmation of the stop and the start, and in the morning all is as before.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Finding } from '#cli/doctor/finding.ts';
import config from '#demo/each-kind.config.ts';
import { type Lab, type LabEnvironment, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { nightshift } from '#test/cli/run-nightshift.ts';

const MINUTE = 60_000;
/** Tuesday 21:45 in Tokyo. */
const START = new Date('2026-11-24T12:45:00Z');
const MORNING = new Date('2026-11-24T23:00:00Z');
const KINDS = Object.keys(config.environments);

interface Seen {
  readonly at: number;
  readonly instances: readonly string[];
  readonly claims: readonly string[];
}

let directory: string;
let lab: Lab;
const seen = new Map<string, Seen[]>(KINDS.map((name) => [name, []]));
const before = new Map<string, unknown>();
const failedInvocations: string[] = [];
const findings = new Map<string, readonly Finding[]>();
let undone: readonly Finding[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'each-kind-'));
  new NightshiftApp({ config, now: START, outdir: directory }).synth();
  lab = await startLab({
    config,
    assemblyDir: directory,
    start: START,
    onInvocation({ function: spec, outcome }) {
      if (!outcome.ok && spec.name.endsWith('night-schedule')) failedInvocations.push(spec.name);
    },
  });
  await runDoctor();
  const { clock } = lab.context;
  for (const environment of lab.environments) before.set(environment.name, settingOf(environment));
  const end = MORNING.getTime() + 25 * MINUTE;
  while (clock.now() < end) {
    await clock.runUntil(clock.now() + MINUTE);
    for (const environment of lab.environments) seen.get(environment.name)?.push(observed(environment));
  }
}, 1_200_000);

afterAll(async () => {
  await lab?.close();
  await rm(directory, { recursive: true, force: true });
});

/** In the evening; and once more where an application of Argo CD manages a NodePool. */
async function runDoctor(): Promise<void> {
  await lab.context.clock.runUntil(START.getTime() + 3 * MINUTE);
  await writeFile(path.join(directory, 'config.json'), JSON.stringify(config));
  for (const { name } of lab.environments) findings.set(name, await doctor(name));
  const { kubernetes } = environmentOf('fargate');
  const metadata = { namespace: 'argocd', name: 'platform' };
  kubernetes.applyObjects([
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata,
      spec: {
        project: 'default',
        source: { repoURL: 'https://github.com/example/platform', path: '.' },
        destination: {},
        syncPolicy: { automated: { selfHeal: true } },
      },
    },
  ]);
  kubernetes.api.modify('applications.argoproj.io', metadata.namespace, metadata.name, (draft) => {
    draft['status'] = { resources: [{ group: 'karpenter.sh', kind: 'NodePool', name: 'default' }] };
  });
  undone = await doctor('fargate');
  kubernetes.api.delete('applications.argoproj.io', metadata.namespace, metadata.name);
}

async function doctor(name: string): Promise<readonly Finding[]> {
  const { accessKeyId, secretAccessKey } = environmentOf(name).operator;
  vi.stubEnv('AWS_ENDPOINT_URL', lab.front.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', undefined);
  const args = ['--config', path.join(directory, 'config.json'), 'doctor', name, '--json'];
  const { out } = await nightshift(args, { now: lab.context.clock.date() });
  vi.unstubAllEnvs();
  return (JSON.parse(out) as { findings: Finding[] }[])[0]?.findings ?? [];
}

/** Where the config names the groups, all others are kept. */
function isKept({ config }: LabEnvironment, group: string): boolean {
  const { keep = [], nodegroups = 'all' } = config;
  return keep.includes(group) || (group !== '' && nodegroups !== 'all' && !nodegroups.includes(group));
}

function observed(environment: LabEnvironment): Seen {
  const { aws, context } = lab;
  const instances = aws
    .instances(environment.cluster)
    .filter(
      ({ state, group }) =>
        state !== 'terminated' && !isKept(environment, group.nodegroup?.name ?? group.name),
    )
    .map(({ id }) => id);
  const claims = environment.kubernetes.api.store
    .all('nodeclaims.karpenter.sh')
    .map(({ metadata }) => metadata.name);
  return { at: context.clock.now(), instances, claims };
}

/** The sizes of the groups and warm pools, and what the NodePools may start. */
function settingOf({ cluster, kubernetes }: LabEnvironment) {
  const groups = lab.aws.groups(cluster).map(({ name, min, desired, max, warmPool }) => {
    const pool = warmPool && { min: warmPool.min, maxPrepared: warmPool.maxPrepared, state: warmPool.state };
    return { name, min, desired, max, pool };
  });
  const pools = kubernetes.api.store
    .all('nodepools.karpenter.sh')
    .map(({ metadata, spec }) => ({ name: metadata.name, limits: spec?.limits, replicas: spec?.replicas }));
  return { groups, pools };
}

const of = (name: string) => lab.decisions.filter(({ environment }) => environment === name);
const environmentOf = (name: string) => lab.environments.find((one) => one.name === name) as LabEnvironment;
const confirmedAt = (name: string) =>
  Math.max(
    ...of(name)
      .filter(({ action, time }) => action === 'confirm-stop' && new Date(time) < MORNING)
      .map(({ time }) => Date.parse(time)),
  );

describe('the doctor', () => {
  const CHECKS = ['sleeping-compute', 'warm-pools', 'pause-undone', 'host-group', 'rbac'];

  test.each(KINDS)('finds what sleeps in a cluster of %s, and nothing wrong with it', (name) => {
    const own = (findings.get(name) ?? []).filter(({ check }) => CHECKS.includes(check));
    expect(new Set(own.map(({ check }) => check))).toEqual(new Set(CHECKS));
    expect(own.filter(({ severity }) => severity !== 'ok')).toEqual([]);
  });

  test('names the application that would undo the pause, with what is to be added', () => {
    const [finding] = undone.filter(({ check }) => check === 'pause-undone');
    expect(finding).toMatchObject({ severity: 'failure', target: 'NodePool default' });
    expect(finding?.advice).toContain(
      'ignoreDifferences: [{ group: karpenter.sh, kind: NodePool, name: default, jsonPointers: [/spec/limits] }]',
    );
  });
});

describe.for(KINDS)('a night of %s', (name) => {
  test('ran nodes in the evening, and their stop was confirmed within the deadline', () => {
    expect(seen.get(name)?.[0]?.instances.length).toBeGreaterThan(0);
    expect(confirmedAt(name)).toBeLessThanOrEqual(Date.parse('2026-11-24T13:20:00Z'));
  });

  test('has no instance and no NodeClaim at any minute from the confirmation to the start', () => {
    const asleep = (seen.get(name) ?? []).filter(
      ({ at }) => at >= confirmedAt(name) && at < MORNING.getTime(),
    );
    expect(asleep.length).toBeGreaterThan(500);
    expect(
      asleep.filter(({ instances, claims }) => instances.length + claims.length > 0).slice(0, 3),
    ).toEqual([]);
  });

  test('has the same sizes, limits and pools in the morning, and every pod runs', () => {
    const environment = environmentOf(name);
    expect(settingOf(environment)).toEqual(before.get(name));
    const deployments = environment.kubernetes.api.store.all('deployments.apps');
    expect(deployments.length).toBeGreaterThan(0);
    const unready = deployments.filter(
      ({ spec, status }) => (status?.readyReplicas ?? 0) < (spec?.replicas ?? 0),
    );
    expect(unready.map(({ metadata }) => metadata.name)).toEqual([]);
  });

  test('reports no failure, and nothing more often than once an hour', () => {
    const scheduled = of(name).filter(({ capability }) => capability === 'night-schedule');
    expect(scheduled.filter(({ action }) => action === 'fail')).toEqual([]);
    const hours = scheduled
      .filter(({ action }) => action !== 'none')
      .map(({ time, target, action, reason }) => `${time.slice(0, 13)} ${target} ${action} ${reason}`);
    const twice = hours.filter((text, index) => hours.indexOf(text) !== index);
    expect(twice).toEqual([]);
  });
});

test('no pass failed', () => {
  expect(failedInvocations).toEqual([]);
});
