/** The contracts of what we ask of AWS, on the lab. `npm run conformance` has them on an AWS that others wrote. */
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { codebuildService } from '@nightshift/lab/http/codebuild.ts';
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { account, aGroup, aNodegroup, region, scope } from '@nightshift/lab/test/aws/world.ts';
import { aProject, REPOSITORY } from '@nightshift/lab/test/codebuild/builders.ts';
import { createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import { describe } from 'vitest';
import { createBuilds } from '#functions/adapters/aws/codebuild.ts';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { buildsContract } from './builds.ts';
import { groupsContract } from './groups.ts';
import { instanceGroupsContract } from './instance-groups.ts';
import { secretContract } from './secret.ts';

describe('the groups of a cluster, on the lab', () =>
  groupsContract(async () => {
    const { world, autoScaling, eks } = await anEndpoint();
    return {
      groups: createGroups({ autoScaling, eks }, 'develop'),
      addManaged: async (name, size) => void aNodegroup(world, { name, ...size }),
      async addSelfManaged(name, size, cluster) {
        const owner = cluster ? world.aws.addCluster({ ...scope, name: cluster }) : world.cluster;
        world.aws.addAutoScalingGroup(owner, { name, ...size, instanceTypes: ['m6i.large'] });
      },
      settle: () => world.pass(240),
      async nodegroupSize(name) {
        const { group } = world.aws.eks.nodegroup(scope, 'develop', name);
        return { min: group.min, desired: group.desired, max: group.max };
      },
    };
  }));

describe('the group of an instance, on the lab', () =>
  instanceGroupsContract(async () => {
    const { world, autoScaling } = await anEndpoint();
    return {
      client: autoScaling,
      cluster: 'develop',
      async addGroup(name) {
        const group = aGroup(world, {
          name,
          min: 0,
          desired: 2,
          max: 4,
          lifecycleHooks: [{ name: 'drain', transition: 'terminating', heartbeatTimeoutSeconds: 300 }],
        });
        await world.pass(300);
        return { instanceIds: [...group.instances.keys()] };
      },
      settle: () => world.pass(300),
      async end(_group, instanceId) {
        world.aws.autoScaling.terminateInstance(scope, instanceId, { decrement: false });
        await world.pass(30);
        const [event] = world.eventsOf('EC2 Instance-terminate Lifecycle Action');
        return String(event?.detail['LifecycleActionToken']);
      },
    };
  }));

describe('the builds of a project, on the lab', () =>
  buildsContract(async () => {
    const { world, endpoint, config } = await anEndpoint();
    const codebuild = createCodebuild(world.context, { phaseEvents: false });
    codebuild.addRepository(REPOSITORY, { defaultBranch: 'main' });
    codebuild.addProject(aProject());
    endpoint.addService(codebuildService(codebuild));
    return {
      builds: createBuilds(new CodeBuildClient(config())),
      project: 'api-develop',
      async build() {
        const pushed = codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop' });
        await world.pass(300);
        return pushed.builds[0]?.id ?? '';
      },
    };
  }));

describe('a secret, on the lab', () =>
  secretContract(async () => {
    const { world, secrets } = await anEndpoint();
    return {
      client: secrets,
      put: async (name, value) => void world.aws.putSecret({ account, region, name, value }),
    };
  }));
