/** How the command line reaches accounts, and what it hands to others. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeAws, startFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const now = new Date('2026-11-24T11:00:00Z');
const ROLE = 'arn:aws:iam::111111111111:role/nightshift-operator';

let aws: FakeAws;
let sts: Server;
let folder: string;
let assumed: URLSearchParams[];
let isDenied: boolean;

beforeEach(async () => {
  assumed = [];
  isDenied = false;
  folder = mkdtempSync(join(tmpdir(), 'nightshift-access-'));
  aws = await startFakeAws({ now: () => now });
  sts = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    assumed.push(new URLSearchParams(body));
    if (isDenied)
      response
        .writeHead(403, { 'content-type': 'text/xml' })
        .end(
          '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/ana is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>',
        );
    else
      response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(
          '<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2036-11-24T12:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>',
        );
  });
  await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
  const address = sts.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
  vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  sts.closeAllConnections();
  sts.close();
  rmSync(folder, { recursive: true });
  await aws.close();
});

const place = { account: '111111111111', region: 'ap-northeast-1' };
function configWith(change: object): string {
  const path = join(folder, 'nightshift.config.json');
  writeFileSync(
    path,
    JSON.stringify({
      schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
      environments: {
        near: { ...place, cluster: 'near', schedule: 'office' },
        far: { ...place, cluster: 'far', schedule: 'office', ...change },
        production: { ...place, cluster: 'production', production: true },
      },
    }),
  );
  return path;
}
const run = (change: object, ...args: string[]) => nightshift(['-c', configWith(change), ...args], { now });

describe('an environment with a role', () => {
  test('is reached with the credentials of the role, which is assumed with its external id', async () => {
    await aws.tableOf('far');
    const { code, out } = await run({ roleArn: ROLE, externalId: 'shared-text' }, 'status', 'far');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('not observed yet') });
    expect(assumed.length).toBeGreaterThan(0);
    expect(Object.fromEntries(assumed[0] ?? [])).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: ROLE,
      ExternalId: 'shared-text',
    });
  });

  test('that is refused does not hide the others', async () => {
    await aws.tableOf('near');
    isDenied = true;
    const { code, out } = await run({ roleArn: ROLE }, 'status');
    expect(code).toBe(2);
    expect(out).toContain(`! AWS denied sts:AssumeRole on ${ROLE}`);
    expect(out).toMatch(/^near +111111111111 +unknown/m);
  });
});

test('a profile that does not exist is named in the answer', async () => {
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  const { code, err } = await run({ profile: 'nowhere' }, 'status', 'far');
  expect(code).toBe(2);
  expect(err).toContain('aws sso login --profile nowhere');
});

test('explain ends with 0 where the answer was found, although another account was not reachable', async () => {
  const { saveDecisions } = await import('#functions/adapters/dynamodb/decision-log.ts');
  const table = await aws.tableOf('near');
  await saveDecisions(table)([
    {
      time: '2026-11-24T10:00:00.000Z',
      environment: 'near',
      capability: 'night-schedule',
      target: 'web',
      action: 'stop',
      reason: 'office hours end',
      trigger: 'edge',
    },
  ]);
  const found = await run({}, 'explain', 'web');
  expect({ code: found.code, out: found.out }).toEqual({
    code: 0,
    out: expect.stringContaining('office hours end'),
  });
  expect(found.err).toContain('the table nightshift-far does not exist');
  expect((await run({}, 'explain', 'data')).code).toBe(2);
  // The name of an environment: no other one has its decisions.
  expect(await run({}, 'explain', 'near')).toMatchObject({ code: 0, err: '', out: found.out });
  await aws.tableOf('production');
  expect(await run({}, 'explain', 'production')).toMatchObject({ code: 0, err: '' });
});

describe('nightshift policy', () => {
  const statements = async (...args: string[]) => {
    const { out } = await run({}, 'policy', ...args);
    const { Statement } = JSON.parse(out) as {
      Statement: { Sid: string; Action: string[]; Resource: string[]; Condition?: object }[];
    };
    return Statement;
  };

  test('a reader changes nothing', async () => {
    for (const { Action } of await statements('reader'))
      for (const action of Action) expect(action).toMatch(/:(Get|Query|List|Describe)/);
  });

  test('a developer writes overrides only, and none of production', async () => {
    const writes = (await statements('developer', '-e', 'near')).filter(({ Action }) =>
      Action.includes('dynamodb:PutItem'),
    );
    expect(writes).toHaveLength(1);
    expect(JSON.stringify(writes[0]?.Condition)).toContain('"dynamodb:LeadingKeys":["override"]');
    expect(await statements('developer', '-e', 'production')).toEqual(
      await statements('reader', '-e', 'production'),
    );
  });

  test('an operator of production changes nothing in AWS', async () => {
    for (const { Action } of await statements('operator', '-e', 'production'))
      for (const action of Action) expect(action).toMatch(/:(Get|Query|List|Describe|BatchGet)/);
  });

  test('a deployer assumes the roles of the bootstrap, and each statement id is unique', async () => {
    const all = await statements('deployer');
    expect(new Set(all.map(({ Sid }) => Sid)).size).toBe(all.length);
    expect(all.flatMap(({ Resource }) => Resource)).toContain(
      'arn:aws:iam::111111111111:role/cdk-hnb659fds-deploy-role-111111111111-ap-northeast-1',
    );
  });

  test('a role that does not exist is refused', async () => {
    expect((await run({}, 'policy', 'developr')).err).toContain('did you mean "developer"?');
  });
});

test('template writes a stack without the parameters of the bootstrap, zips that unpack, and HCL', async () => {
  const out = join(folder, 'terraform');
  const { code, err } = await run({}, 'template', 'far', '--out', out);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const text = readFileSync(join(out, 'Nightshift-far.template.json'), 'utf8');
  const template = JSON.parse(text);
  expect(Object.keys(template.Parameters).sort()).toEqual(['ArtifactBucket', 'ArtifactPrefix']);
  expect(text).not.toMatch(/BootstrapVersion|cdk-hnb659fds|CDKMetadata/);
  const code_ = Object.values<{ Type: string; Properties: { Code: { S3Bucket: unknown; S3Key: unknown } } }>(
    template.Resources,
  )
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => Properties.Code);
  expect(code_.length).toBe(2);
  const zips = readdirSync(join(out, 'assets'));
  for (const { S3Bucket, S3Key } of code_) {
    expect(S3Bucket).toEqual({ Ref: 'ArtifactBucket' });
    const key = JSON.stringify(S3Key);
    expect(zips.some((zip) => key.includes(zip))).toBe(true);
  }
  for (const zip of zips) {
    const listed = execFileSync(
      'python3',
      [
        '-c',
        'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint("\\n".join(z.namelist()))',
        join(out, 'assets', zip),
      ],
      { encoding: 'utf8' },
    );
    expect(listed.split('\n')).toContain('index.mjs');
  }
  const hcl = readFileSync(join(out, 'main.tf'), 'utf8');
  for (const word of ['aws_s3_object', 'template_url', 'CAPABILITY_NAMED_IAM', 'ArtifactBucket'])
    expect(hcl).toContain(word);
});
