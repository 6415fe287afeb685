/** A CodeBuild project that builds one branch of one repository, started by the repository's webhook. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { CfnProject } from 'aws-cdk-lib/aws-codebuild';
import { Repository, TagStatus } from 'aws-cdk-lib/aws-ecr';
import { Effect, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { BuildConfig, BuildProjectConfig } from '#model/config.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import { asCdkNagPrints } from './nightshift-function.ts';
import { looseFilter, onlyPushesTo } from './webhook-filter.ts';

/** Which build of the environment. */
export interface BuildProjectProps extends EnvironmentProps {
  /** The name of the project: that of a build with `create`. */
  readonly project: string;
}

type CreatedBuild = BuildConfig & { readonly create: BuildProjectConfig };

const SOURCE_TYPES = {
  github: 'GITHUB',
  gitlab: 'GITLAB',
  'gitlab-self-managed': 'GITLAB_SELF_MANAGED',
  bitbucket: 'BITBUCKET',
} as const;

const COMPUTE = {
  small: 'BUILD_GENERAL1_SMALL',
  medium: 'BUILD_GENERAL1_MEDIUM',
  large: 'BUILD_GENERAL1_LARGE',
} as const;

/** The project with its webhook, role and log group. Synth fails when its webhook would build anything but the branch. */
export class BuildProject extends Construct {
  /** The project, with its webhook. */
  readonly project: CfnProject;
  /** The permissions of the build, which everybody who can push to the branch controls. */
  readonly role: Role;

  constructor(scope: Construct, id: string, props: BuildProjectProps) {
    super(scope, id);
    const { name: environment, config } = checkedEnvironment(props);
    const build = config.deploy?.builds.find(
      (one): one is CreatedBuild => one.project === props.project && one.create !== undefined,
    );
    if (!build) throw new Error(`no build of ${environment} creates the project ${props.project}`);
    const { create } = build;

    const logs = this.#logsOf(build);
    this.role = this.#createRole(build, environment);
    this.#permit(build, logs);
    const images = this.#createImageRepository(build);
    this.project = new CfnProject(this, 'Project', {
      name: build.project,
      description: `builds pushes to ${build.branch} of ${build.repository}, which eks-nightshift deploys in ${environment}`,
      serviceRole: this.role.roleArn,
      source: {
        type: SOURCE_TYPES[hostOf(build)],
        location: `${build.repository.replace(/\.git$/, '')}.git`,
        auth: { type: 'CODECONNECTIONS', resource: create.connection },
        buildSpec: create.buildspec ?? 'buildspec.yml',
        gitCloneDepth: 1,
        reportBuildStatus: true,
      },
      sourceVersion: `refs/heads/${build.branch}`,
      triggers: { webhook: true, filterGroups: onlyPushesTo(build.branch).map((group) => [...group]) },
      artifacts: { type: 'NO_ARTIFACTS' },
      environment: {
        type: 'ARM_CONTAINER',
        image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
        computeType: COMPUTE[create.compute ?? 'small'],
        privilegedMode: create.docker ?? images !== undefined,
        ...(images ? { environmentVariables: [{ name: 'REPOSITORY', value: images.repositoryUri }] } : {}),
      },
      ...(images ? { cache: { type: 'LOCAL', modes: ['LOCAL_DOCKER_LAYER_CACHE'] } } : {}),
      logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: logs.logGroupName } },
      timeoutInMinutes: 60,
    });
    this.project.node.addDependency(this.role);

    this.#checkWebhook(build);
    Validations.of(this.project).acknowledge({
      id: 'AwsSolutions-CB4',
      reason: 'The key encrypts artifacts and caches in S3, and the project has neither.',
    });
  }

  #logsOf({ project, create }: CreatedBuild): ILogGroup {
    if (create.logGroup) return LogGroup.fromLogGroupName(this, 'Logs', create.logGroup);
    return new LogGroup(this, 'Logs', {
      logGroupName: `/aws/codebuild/${project}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /** Where the build pushes its images; pods keep running those, so it outlives the stack. */
  #createImageRepository({ create }: CreatedBuild): Repository | undefined {
    if (!create.imageRepository) return undefined;
    const repository = new Repository(this, 'Images', {
      repositoryName: create.imageRepository,
      imageScanOnPush: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        {
          description: 'layers of builds that no tag names',
          tagStatus: TagStatus.UNTAGGED,
          maxImageAge: Duration.days(30),
        },
      ],
    });
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'PushImage',
        actions: [
          'ecr:BatchCheckLayerAvailability',
          'ecr:BatchGetImage',
          'ecr:CompleteLayerUpload',
          'ecr:GetDownloadUrlForLayer',
          'ecr:InitiateLayerUpload',
          'ecr:PutImage',
          'ecr:UploadLayerPart',
        ],
        resources: [repository.repositoryArn],
      }),
    );
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'SignInToRegistry',
        actions: ['ecr:GetAuthorizationToken'],
        resources: ['*'],
      }),
    );
    Validations.of(this.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'ecr:GetAuthorizationToken has no resource: the token allows what the other statements do.',
    });
    return repository;
  }

  #createRole({ branch, repository, create }: CreatedBuild, environment: string): Role {
    const policies = create.policies ?? [];
    const role = new Role(this, 'Role', {
      description: `builds ${branch} of ${repository} for ${environment}`,
      assumedBy: new ServicePrincipal('codebuild.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      managedPolicies: policies.map((arn, index) =>
        ManagedPolicy.fromManagedPolicyArn(this, `Policy${index}`, arn),
      ),
    });
    for (const arn of policies)
      if (arn.includes(':iam::aws:'))
        Validations.of(role).acknowledge({
          id: `AwsSolutions-IAM4[Policy::${arn}]`,
          reason: 'The config names this policy in create.policies.',
        });
    return role;
  }

  #permit({ create }: CreatedBuild, logs: ILogGroup): void {
    logs.grantWrite(this.role);
    if (create.logGroup)
      Validations.of(this.role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${asCdkNagPrints(this, logs.logGroupArn)}]`,
        reason: 'The streams of the log group that the config names.',
      });
    // The service was renamed, and a policy must use the name in the ARN.
    const service = create.connection.split(':')[2] ?? 'codeconnections';
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'ReadRepository',
        effect: Effect.ALLOW,
        actions: ['GetConnection', 'GetConnectionToken', 'UseConnection'].map((name) => `${service}:${name}`),
        resources: [create.connection],
      }),
    );
  }

  /**
   * Checks the final project, whoever changed it: only the branch ties a build to an environment, and the buildspec is not
   * trusted to name it.
   */
  #checkWebhook(build: CreatedBuild): void {
    this.node.addValidation({
      validate: () => {
        const { triggers } = this.project;
        const groups = triggers && 'filterGroups' in triggers ? triggers.filterGroups : undefined;
        const problem = looseFilter(build.branch, groups);
        return problem === undefined ? [] : [`the webhook of ${build.project} accepts too much: ${problem}`];
      },
    });
  }
}

function hostOf(build: CreatedBuild): keyof typeof SOURCE_TYPES {
  if (build.create.host) return build.create.host;
  const { hostname } = new URL(build.repository);
  if (hostname === 'github.com') return 'github';
  if (hostname === 'gitlab.com') return 'gitlab';
  if (hostname === 'bitbucket.org') return 'bitbucket';
  throw new Error(
    `the project ${build.project} has a repository on the unknown host ${hostname}: set create.host, for example to 'gitlab-self-managed'`,
  );
}
