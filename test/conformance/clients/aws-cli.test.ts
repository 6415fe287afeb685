/** The AWS CLI on the lab as it runs, typed as an operator types it; and kubectl with the tokens that it makes. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import { checkedOn } from '../checked-on.ts';
import { type RunningLab, startRunningLab } from './a-running-lab.ts';
import { type Outcome, run } from './shell.ts';

let lab: RunningLab;
let version = 'aws';

beforeAll(async () => {
  lab = await startRunningLab();
  const { stdout } = await run('aws', ['--version']);
  version = stdout.split(' ')[0]?.replace('/', ' ') ?? version;
});
afterAll(() => lab?.close());
checkedOn(() => version);

const as = (changes: NodeJS.ProcessEnv = {}) => ({ ...lab.environment('develop'), ...changes });

/** Words are split at spaces; what has spaces itself is given as further arguments. */
const aws = (line: string, ...more: string[]): Promise<Outcome> =>
  run('aws', [...line.split(' '), ...more], { cwd: lab.directory, env: as(), seconds: 90 });

async function text(line: string, ...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await aws(line, ...more);
  expect(stderr.trim(), line).toBe('');
  expect(code, line).toBe(0);
  return stdout;
}

const said = async (line: string, ...more: string[]) => JSON.parse((await text(line, ...more)) || 'null');

async function refused(line: string, ...more: string[]): Promise<string> {
  const { code, stderr } = await aws(line, ...more);
  expect(code, line).not.toBe(0);
  return stderr.trim();
}

describe.concurrent('aws eks', () => {
  test('describes the cluster and lists its nodegroups', async () => {
    const { cluster } = await said('eks describe-cluster --name develop');
    expect(cluster).toMatchObject({
      name: 'develop',
      status: 'ACTIVE',
      accessConfig: { authenticationMode: 'API_AND_CONFIG_MAP' },
    });
    expect(
      (
        await text(
          'eks describe-cluster --name develop --query cluster.accessConfig.authenticationMode --output text',
        )
      ).trim(),
    ).toBe('API_AND_CONFIG_MAP');
    expect(await said('eks list-clusters')).toEqual({ clusters: ['develop'] });
    expect((await said('eks list-nodegroups --cluster-name develop')).nodegroups).toEqual([
      'system',
      'workers',
    ]);
    expect(
      (await said('eks list-nodegroups --cluster-name develop --max-items 1 --page-size 1')).nodegroups,
    ).toEqual(['system']);
    expect((await said('eks list-access-entries --cluster-name develop')).accessEntries.length).toBe(3);
  });

  test('describes a nodegroup, resizes it and waits until it is active again', async () => {
    const which = '--cluster-name develop --nodegroup-name workers';
    const { nodegroup } = await said(`eks describe-nodegroup ${which}`);
    expect(nodegroup).toMatchObject({
      status: 'ACTIVE',
      capacityType: 'SPOT',
      scalingConfig: { minSize: 1, desiredSize: 3, maxSize: 5 },
    });
    const { update } = await said(
      `eks update-nodegroup-config ${which} --scaling-config minSize=1,desiredSize=4,maxSize=5`,
    );
    expect(update).toMatchObject({ status: 'InProgress', type: 'ConfigUpdate' });
    expect(await refused(`eks update-nodegroup-config ${which} --scaling-config desiredSize=2`)).toContain(
      '(ResourceInUseException)',
    );
    await text(`eks wait nodegroup-active ${which}`);
    const asked = `--name develop --nodegroup-name workers --update-id ${update.id}`;
    expect((await said(`eks describe-update ${asked}`)).update.status).toBe('Successful');
    expect((await said(`eks describe-nodegroup ${which} --query nodegroup.scalingConfig`)).desiredSize).toBe(
      4,
    );
  });

  test('says what does not exist and what cannot be', async () => {
    expect(await refused('eks describe-nodegroup --cluster-name develop --nodegroup-name none')).toBe(
      'An error occurred (ResourceNotFoundException) when calling the DescribeNodegroup operation: No node group found for name: none.',
    );
    expect(await refused('eks describe-cluster --name none')).toContain('No cluster found for name: none.');
    expect(await refused('eks describe-cluster --name develop --region us-east-1')).toContain(
      '(ResourceNotFoundException)',
    );
    expect(
      await refused(
        'eks update-nodegroup-config --cluster-name develop --nodegroup-name system --scaling-config minSize=5,desiredSize=4,maxSize=4',
      ),
    ).toContain('(InvalidParameterException)');
  });
});

describe.concurrent('aws autoscaling', () => {
  test('describes groups and instances, by tag and in pages', async () => {
    const { AutoScalingGroups } = await said(
      'autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=kubernetes.io/cluster/develop',
    );
    expect(
      AutoScalingGroups.map(
        ({ AutoScalingGroupName }: { AutoScalingGroupName: string }) => AutoScalingGroupName,
      ),
    ).toEqual([
      'develop-batch',
      expect.stringMatching(/^eks-system-/),
      expect.stringMatching(/^eks-workers-/),
    ]);
    const one = await said('autoscaling describe-auto-scaling-groups --page-size 1');
    expect(one.AutoScalingGroups).toHaveLength(3);
    const { AutoScalingInstances } = await said('autoscaling describe-auto-scaling-instances');
    expect(AutoScalingInstances).toContainEqual(
      expect.objectContaining({ LifecycleState: 'InService', HealthStatus: 'HEALTHY' }),
    );
    expect(
      (await said('autoscaling describe-tags --filters Name=key,Values=eks:nodegroup-name')).Tags,
    ).toHaveLength(2);
  });

  test('resizes a group and tells of it in the activities', async () => {
    const group = '--auto-scaling-group-name develop-batch';
    expect(
      await text(`autoscaling update-auto-scaling-group ${group} --min-size 0 --desired-capacity 1`),
    ).toBe('');
    const { AutoScalingGroups } = await said(
      'autoscaling describe-auto-scaling-groups --auto-scaling-group-names develop-batch',
    );
    expect(AutoScalingGroups[0]).toMatchObject({ MinSize: 0, DesiredCapacity: 1 });
    const { Activities } = await said(`autoscaling describe-scaling-activities ${group} --max-items 1`);
    expect(Activities[0].AutoScalingGroupName).toBe('develop-batch');
    expect(
      await refused('autoscaling update-auto-scaling-group --auto-scaling-group-name none --min-size 0'),
    ).toContain('(ValidationError)');
    expect(
      await refused(`autoscaling update-auto-scaling-group ${group} --min-size 9 --max-size 1`),
    ).toContain('(ValidationError)');
  });

  test('puts the hook of the documentation on a group', async () => {
    const group = '--auto-scaling-group-name develop-batch';
    await text(
      `autoscaling put-lifecycle-hook ${group} --lifecycle-hook-name by-hand --lifecycle-transition autoscaling:EC2_INSTANCE_TERMINATING --heartbeat-timeout 300 --default-result CONTINUE`,
    );
    const { LifecycleHooks } = await said(`autoscaling describe-lifecycle-hooks ${group}`);
    expect(LifecycleHooks).toContainEqual(
      expect.objectContaining({ LifecycleHookName: 'by-hand', GlobalTimeout: 30_000 }),
    );
  });
});

describe.concurrent('aws ec2', () => {
  test('describes instances by filters, and subnets with their free addresses', async () => {
    const rows = await said(
      'ec2 describe-instances --filters Name=instance-state-name,Values=running --query',
      'Reservations[].Instances[].[InstanceId,InstanceLifecycle]',
    );
    expect(rows.length).toBeGreaterThan(4);
    expect(rows[0]).toEqual([expect.stringMatching(/^i-[0-9a-f]{17}$/), 'spot']);
    expect(await refused('ec2 describe-instances --instance-ids i-00000000000000000')).toContain(
      '(InvalidInstanceID.NotFound)',
    );
    const { Subnets } = await said('ec2 describe-subnets');
    expect(Subnets.map(({ AvailabilityZone }: { AvailabilityZone: string }) => AvailabilityZone)).toEqual([
      'ap-northeast-1a',
      'ap-northeast-1c',
      'ap-northeast-1d',
    ]);
  });
});

describe.concurrent('aws codebuild', () => {
  test('lists builds, and reads one by its id', async () => {
    expect((await said('codebuild list-projects')).projects).toEqual(['api-develop', 'web-develop']);
    const { build } = await said('codebuild start-build --project-name api-develop');
    expect((await said('codebuild list-builds-for-project --project-name api-develop')).ids).toEqual([
      build.id,
    ]);
    expect((await said('codebuild list-builds')).ids).toEqual([build.id]);
    const { builds, buildsNotFound } = await said(
      `codebuild batch-get-builds --ids ${build.id} api-develop:none`,
    );
    expect(builds[0]).toMatchObject({ id: build.id, buildStatus: 'IN_PROGRESS', initiator: 'operator' });
    expect(buildsNotFound).toEqual(['api-develop:none']);
    expect(await refused('codebuild list-builds-for-project --project-name none')).toContain(
      '(ResourceNotFoundException)',
    );
  });
});

describe.concurrent('aws dynamodb', () => {
  test('shows what stands in the table', async () => {
    const table = '--table-name nightshift-develop';
    expect((await said('dynamodb list-tables')).TableNames).toEqual(['nightshift-develop']);
    await text('lambda invoke --function-name nightshift-develop-night-schedule out.json');
    const { Items } = await said(`dynamodb scan ${table}`);
    expect(Items.map(({ pk }: { pk: { S: string } }) => pk.S)).toContain('night');
    const { Item } = await said(
      `dynamodb get-item ${table} --key`,
      '{"pk":{"S":"night"},"sk":{"S":"state"}}',
    );
    expect(JSON.parse(Item.value.S).phase).toBe('awake');
    const asked = ['--expression-attribute-values', '{":p":{"S":"night"}}'];
    expect(
      (await said(`dynamodb query ${table} --key-condition-expression`, 'pk = :p', ...asked)).Count,
    ).toBeGreaterThan(0);
    expect(await refused('dynamodb scan --table-name none')).toContain('(ResourceNotFoundException)');
  });
});

describe.concurrent('aws secretsmanager', () => {
  test('reads a secret, makes one as the documentation says, and renews it', async () => {
    const { SecretString } = await said(
      'secretsmanager get-secret-value --secret-id nightshift/argocd-develop',
    );
    expect(SecretString.split('.')).toHaveLength(3);
    await writeFile(path.join(lab.directory, 'token.txt'), 'a.b.c');
    await said('secretsmanager create-secret --name nightshift/mine --secret-string file://token.txt');
    await said('secretsmanager put-secret-value --secret-id nightshift/mine --secret-string d.e.f');
    expect((await said('secretsmanager get-secret-value --secret-id nightshift/mine')).SecretString).toBe(
      'd.e.f',
    );
    expect(
      (await said('secretsmanager get-secret-value --secret-id nightshift/mine --version-stage AWSPREVIOUS'))
        .SecretString,
    ).toBe('a.b.c');
    expect((await said('secretsmanager list-secrets')).SecretList).toHaveLength(2);
    expect(await refused('secretsmanager get-secret-value --secret-id none')).toContain(
      "Secrets Manager can't find the specified secret.",
    );
  });
});

describe.concurrent('aws lambda', () => {
  test('lists, reads and invokes the functions of the stack', async () => {
    const { Functions } = await said('lambda list-functions');
    expect(Functions.map(({ FunctionName }: { FunctionName: string }) => FunctionName).sort()).toEqual([
      'nightshift-develop-branch-deploy',
      'nightshift-develop-night-schedule',
      'nightshift-develop-self-service',
      'nightshift-develop-spot-drain',
    ]);
    const name = '--function-name nightshift-develop-night-schedule';
    expect((await said(`lambda get-function-configuration ${name}`)).Timeout).toBeGreaterThan(0);
    expect(await said(`lambda invoke ${name} out.json`)).toMatchObject({ StatusCode: 200 });
    expect(await readFile(path.join(lab.directory, 'out.json'), 'utf8')).toBe('null');
    expect(await refused('lambda invoke --function-name none out.json')).toContain('Function not found');
  });
});

describe.concurrent('aws sns', () => {
  test('lists the topics of the stack', async () => {
    expect((await said('sns list-topics')).Topics).toEqual([
      { TopicArn: 'arn:aws:sns:ap-northeast-1:111111111111:nightshift-develop-warning' },
      { TopicArn: 'arn:aws:sns:ap-northeast-1:111111111111:nightshift-develop-alarms' },
    ]);
  });
});

describe.concurrent('aws sts', () => {
  test('says who calls', async () => {
    expect(await said('sts get-caller-identity')).toMatchObject({
      Account: '111111111111',
      Arn: 'arn:aws:iam::111111111111:user/operator',
    });
  });

  test('is refused with a wrong key, and with an unknown one', async () => {
    const by = async (changes: NodeJS.ProcessEnv) =>
      (await run('aws', ['eks', 'list-clusters'], { env: as(changes) })).stderr;
    expect(await by({ AWS_SECRET_ACCESS_KEY: 'wrong' })).toMatch(
      /\((InvalidSignatureException|SignatureDoesNotMatch)\)/,
    );
    expect(await by({ AWS_ACCESS_KEY_ID: 'AKIAUNKNOWN' })).toMatch(
      /\((UnrecognizedClientException|InvalidClientTokenId)\)/,
    );
  });
});

describe.concurrent('aws for what the lab has not', () => {
  test('ends with an error that says so, and pretends nothing', async () => {
    expect(await refused('cloudwatch describe-alarms')).toMatch(/the lab has no service "monitoring"/);
    expect(await refused('eks list-addons --cluster-name develop')).toContain('(UnknownOperationException)');
  });
});

describe('kubectl with a token of the AWS CLI', () => {
  const kubectl = (line: string, changes: NodeJS.ProcessEnv = {}) =>
    run('kubectl', line.split(' '), {
      cwd: lab.directory,
      env: as({ KUBECONFIG: path.join(lab.directory, 'config'), ...changes }),
    });

  test('is who the access entry says', async () => {
    expect(await text('eks update-kubeconfig --name develop --kubeconfig config')).toContain(
      'Added new context arn:aws:eks:ap-northeast-1:111111111111:cluster/develop',
    );
    const { stdout, stderr } = await kubectl('auth whoami -o json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).status.userInfo).toMatchObject({
      username: 'arn:aws:iam::111111111111:user/operator',
      groups: expect.arrayContaining(['lab:operators']),
    });
    expect((await kubectl('get nodes -o name')).stdout).toMatch(/^node\/ip-/);
  });

  test('is refused where its signature is wrong', async () => {
    expect((await kubectl('get nodes', { AWS_SECRET_ACCESS_KEY: 'wrong' })).stderr).toContain('Unauthorized');
  });
});

describe('a token of ours', () => {
  test('is, to the byte of its signature, the one that the AWS CLI makes', async () => {
    const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session/+=' };
    const env = {
      PATH: process.env['PATH'],
      HOME: lab.directory,
      AWS_REGION: 'ap-northeast-1',
      AWS_DEFAULT_REGION: 'ap-northeast-1',
      AWS_STS_REGIONAL_ENDPOINTS: 'regional',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
    };
    const { stdout } = await run(
      'aws',
      ['eks', 'get-token', '--cluster-name', 'develop', '--output', 'json'],
      { env },
    );
    const theirs = urlIn(JSON.parse(stdout).status.token);
    const [, year, month, day, hour, minute, second] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(theirs.searchParams.get('X-Amz-Date') ?? '') ?? [];
    const now = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    const ours = urlIn(
      await createTokenSource({
        cluster: 'develop',
        region: 'ap-northeast-1',
        credentials: async () => credentials,
        now: () => now,
      })(),
    );
    expect(ours.host).toBe(theirs.host);
    expect(Object.fromEntries(ours.searchParams)).toEqual(Object.fromEntries(theirs.searchParams));
  });

  const urlIn = (token: string) =>
    new URL(Buffer.from(token.replace('k8s-aws-v1.', ''), 'base64url').toString());
});
