/** The CDK deploys the platform of the example to a CloudFormation written by others: what that knows of it. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aPlatformApp, type EnvironmentName, nightshift } from '../../platform/a-platform.ts';
import { checkedOn, note } from '../checked-on.ts';
import { run } from '../clients/shell.ts';
import { type Ministack, startMinistack } from '../servers/ministack.ts';
import { type Resource, type Template, withoutUnknown } from './assembly.ts';

/** What ministack refuses as unknown. */
const UNKNOWN = [
  'AWS::EC2::EIP',
  'AWS::EC2::FlowLog',
  'AWS::EC2::NatGateway',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::Instance',
  'AWS::EKS::AccessEntry',
  'AWS::EKS::Addon',
  'AWS::EKS::Capability',
  'AWS::EKS::PodIdentityAssociation',
];

const environments = [
  'develop',
  'staging',
  'production',
  'sandbox',
] as const satisfies readonly EnvironmentName[];
const region = 'ap-northeast-1';

/** The image of the work hosts is a public parameter of AWS, and nobody but AWS may put one under `/aws`. */
function withAnImage(_stack: string, { Parameters = {} }: Template): void {
  for (const [name, { Type }] of Object.entries(Parameters))
    if (Type === 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>')
      Parameters[name] = { Type: 'String', Default: 'ami-0123456789abcdef0' };
}

let server: Ministack;
let directory = '';
const removed: Record<string, readonly string[]> = {};

beforeAll(async () => {
  process.env['CDK_VALIDATION'] = 'false';
  server = await startMinistack(process.env['MINISTACK_ASSETS'] ?? '', { account: '111111111111', region });
  const app = aPlatformApp();
  app.synth();
  directory = app.outdir;
  const all = withoutUnknown(directory, withAnImage, ({ Type }: Resource) => UNKNOWN.includes(Type)).removed;
  for (const name of environments)
    removed[name] = all
      .filter((line) => line.startsWith(`Platform-${name}: `))
      .map((line) => line.split(' ').at(-1) ?? '');
});
afterAll(async () => {
  await server?.close();
  if (directory !== '') rmSync(path.dirname(directory), { recursive: true, force: true });
});
checkedOn(() => `ministack ${server.version}`);

/** ministack takes the access key's id for the account. */
const cdk = (account: string, ...args: readonly string[]) =>
  run('cdk', [...args, '--no-color'], {
    seconds: 300,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: region,
      CI: 'true',
    },
  });

/** CloudFormation's query protocol: neither the CDK nor the project has a client for this. */
async function endProtection(account: string, stack: string): Promise<void> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `AWS4-HMAC-SHA256 Credential=${account}/20261124/${region}/cloudformation/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams({
      Action: 'UpdateTerminationProtection',
      Version: '2010-05-15',
      StackName: stack,
      EnableTerminationProtection: 'false',
    }),
  });
  expect(response.status, await response.text()).toBe(200);
}

test.for(environments)(
  'the platform of %s is deployed, and removed',
  { timeout: 600_000 },
  async (name, context) => {
    const account = nightshift.environments[name]?.account ?? '';
    const stack = `Platform-${name}`;
    await cdk(account, 'bootstrap', `aws://${account}/${region}`);
    const approve = ['--require-approval', 'never', '--progress', 'events', '--exclusively'];
    const deployed = await cdk(account, 'deploy', stack, '--app', directory, ...approve);
    expect(`${deployed.stdout}${deployed.stderr}`).toContain('✅');
    const left = removed[name] ?? [];
    note(
      context,
      `Taken out before the deploy, because ministack does not know them, or because they refer to those: ${[...new Set(left)].sort().join(', ')} (${left.length} resources of ${stack}). The image of the work hosts is a fixed one.`,
    );
    const destroy = () => cdk(account, 'destroy', stack, '--app', directory, '--force', '--exclusively');
    if (nightshift.environments[name]?.production) {
      const { stdout, stderr } = await destroy();
      expect(`${stdout}${stderr}`).toContain('cannot be deleted while TerminationProtection is enabled');
      await endProtection(account, stack);
    }
    const destroyed = await destroy();
    expect(destroyed.code, `${destroyed.stdout}${destroyed.stderr}`).toBe(0);
  },
);
