/** branch-deploy's adapters on an AWS that others wrote. */
import { CreateProjectCommand, StartBuildCommand } from '@aws-sdk/client-codebuild';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe } from 'vitest';
import { createBuilds } from '#functions/adapters/aws/codebuild.ts';
import { buildsContract } from '#test/contracts/builds.ts';
import { secretContract } from '#test/contracts/secret.ts';
import { checkedOn } from '../checked-on.ts';
import { anAccount, recognise, softwareName } from './an-account.ts';

beforeAll(recognise);
checkedOn(softwareName);

const account = anAccount();
let projects = 0;
const LACKS = {
  'what was built':
    'a build of moto always has the same source, https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/testing; CodeBuild tells that of the project: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html',
  'numbers that count up':
    'moto draws the number of a build by lot; CodeBuild counts them up: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html',
  'the newest first':
    'moto lists the oldest build first; CodeBuild the newest, where no order is asked for: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html',
};

describe('the builds of a project', () =>
  buildsContract(async () => {
    const { codebuild } = account;
    const project = `api-${projects++}`;
    await codebuild.send(
      new CreateProjectCommand({
        name: project,
        source: { type: 'GITHUB', location: 'https://github.com/example/api.git' },
        artifacts: { type: 'NO_ARTIFACTS' },
        environment: { type: 'LINUX_CONTAINER', image: 'x', computeType: 'BUILD_GENERAL1_SMALL' },
        serviceRole: `arn:aws:iam::${account.account}:role/build`,
      }),
    );
    return {
      builds: createBuilds(codebuild),
      project,
      lacks: LACKS,
      async build() {
        const started = await codebuild.send(
          new StartBuildCommand({ projectName: project, sourceVersion: 'refs/heads/develop' }),
        );
        return started.build?.id ?? '';
      },
    };
  }));

describe('a secret', () =>
  secretContract(async () => ({
    client: account.secrets,
    async put(name, value) {
      await account.secrets
        .send(new CreateSecretCommand({ Name: name, SecretString: value }))
        .catch(async (error: Error) => {
          if (error.name !== 'ResourceExistsException') throw error;
          await account.secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));
        });
    },
  })));
