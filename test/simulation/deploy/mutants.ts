/** branch-deploy with a deliberate mistake, at least one for each promise that its story checks. The checkers must catch each. */
import type { ApplicationObject } from '#functions/adapters/argocd/application.ts';
import type { KubernetesRequest } from '#functions/adapters/kubernetes/client.ts';
import type { ApplicationView, BranchDeployPorts, LivePod, Result } from '#functions/branch-deploy/ports.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import type { PromiseId } from '../outcome.ts';
import { createMemoryTable } from '../table.ts';
import type { DeployOptions, Program } from './deploy.ts';
import { PRODUCTION, REPOSITORY } from './scenario.ts';

export interface DeployMutant {
  readonly name: string;
  readonly promise: PromiseId;
  /** A seed that is known to show it: the search begins there. */
  readonly shownBy?: number;
  readonly change: Pick<DeployOptions, 'mutate' | 'mutatePass' | 'mutateClient' | 'mutateEvent' | 'table'>;
  /** Matches the violation, where the promise can be broken in more than one way. */
  readonly says?: RegExp;
}

export const DEPLOY_MUTANTS: readonly DeployMutant[] = [
  {
    name: 'production is synced too',
    promise: 2,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        async sync(application, deployId, options) {
          await ports.argocd.sync({ ...application, ...PRODUCTION }, deployId, options);
          return ports.argocd.sync(application, deployId, options);
        },
      },
    })),
  },
  {
    name: 'the build whose event comes last wins',
    promise: 3,
    change: change((ports) => ({
      deploys: {
        ...ports.deploys,
        async get(application) {
          const found = await ports.deploys.get(application);
          return found && { ...found, value: { ...found.value, newest: {} } };
        },
      },
    })),
  },
  {
    name: 'applications are synced while the cluster sleeps',
    promise: 3,
    change: {
      mutate({ ports, settings }) {
        const { schedule: _, ...sleepless } = settings;
        return { ports, settings: sleepless };
      },
    },
  },
  {
    name: 'a token that is refused ends the deploy',
    promise: 3,
    shownBy: 16,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        async read(application, options) {
          const answer = await ports.argocd.read(application, options);
          return answer.ok || answer.error.kind !== 'unauthorized'
            ? answer
            : { ok: false, error: { ...answer.error, kind: 'permanent' } };
        },
      },
    })),
  },
  {
    name: 'missed builds are not looked for',
    promise: 3,
    shownBy: 19,
    change: change((ports) => ({ builds: { ...ports.builds, recent: async () => [] } })),
  },
  {
    name: 'waiting deploys are forgotten',
    promise: 3,
    change: change((ports) => ({
      deploys: { ...ports.deploys, all: async () => ({ ...(await ports.deploys.all()), records: [] }) },
    })),
  },
  {
    name: 'each build is synced many times',
    promise: 3,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        async sync(application, deployId, options) {
          const first = await ports.argocd.sync(application, deployId, options);
          for (let more = 0; more < 12; more++) {
            await ports.pause(20_000);
            await ports.argocd.sync(application, deployId, options);
          }
          return first;
        },
      },
    })),
  },
  {
    name: 'a deploy is reported as soon as Argo CD has accepted the sync',
    promise: 4,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        read: async (application, options) => asIfDone(await ports.argocd.read(application, options)),
      },
    })),
  },
  {
    name: 'syncs are not recorded',
    promise: 7,
    change: change((ports) => ({
      trail: {
        record: (decisions) => ports.trail.record(decisions.filter(({ action }) => action !== 'sync')),
      },
    })),
  },
  {
    name: 'a write that the SDK repeated counts as a conflict',
    promise: 7,
    shownBy: 19,
    says: /counts as handled, and no decision names it/,
    change: { table: () => createMemoryTable({ isForgetful: true }) },
  },
  {
    name: 'a missing application stops the work on the others',
    promise: 8,
    shownBy: 8,
    change: {
      mutate: ({ ports, settings }) => ({
        settings,
        ports: {
          ...ports,
          argocd: {
            ...ports.argocd,
            async read(application, options) {
              for (const { applications } of settings.builds)
                for (const one of applications) {
                  const read = await ports.argocd.read(one, options);
                  if (!read.ok && read.error.kind === 'missing') return read;
                }
              return ports.argocd.read(application, options);
            },
          },
        },
      }),
    },
  },
  {
    name: 'through Kubernetes, a sync is written without the version that was read',
    promise: 3,
    says: /was written without the version that was read/,
    change: {
      mutateClient: (client) => ({
        request(request) {
          const { metadata, ...body } = (request.body ?? {}) as Partial<ApplicationObject>;
          const syncs = request.method === 'PATCH' && body.operation !== undefined;
          return client.request(syncs ? { ...request, body } : request);
        },
      }),
    },
  },
  {
    name: 'through Kubernetes, a sync replaces an operation that runs',
    promise: 3,
    shownBy: 124,
    says: /replaced an operation of/,
    change: {
      mutateClient: (client) => ({
        async request<T>(request: KubernetesRequest) {
          const reply = await client.request<T>(request);
          return { ...reply, body: withoutOperation(reply.body as ApplicationObject) as T };
        },
      }),
    },
  },
  {
    name: 'through Kubernetes, applications are listed although the role does not allow it',
    promise: 2,
    says: /cannot list resource "applications" in API group "argoproj\.io" in the namespace "argocd"/,
    change: {
      mutateClient: (client) => ({
        async request(request) {
          if (request.method === 'GET')
            await client.request({ ...request, path: request.path.replace(/\/[^/]+$/, '') });
          return client.request(request);
        },
      }),
    },
  },
  {
    name: 'the sync of a config repository counts as live whatever its pods run',
    promise: 4,
    says: /is deployed, and Argo CD never showed that/,
    change: {
      mutate: ({ ports, settings }) => ({ settings: withoutImages(settings), ports: asOneRepository(ports) }),
    },
  },
  {
    name: 'one pod that runs the built image is enough',
    promise: 4,
    says: /is deployed, and Argo CD never showed that/,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        async pods(application) {
          const read = await ports.argocd.pods(application);
          return read.ok ? { ok: true, value: read.value.slice(0, 1) } : read;
        },
      },
    })),
  },
  {
    name: 'what a tag points to counts as what its pods run',
    promise: 4,
    says: /is deployed, and Argo CD never showed that/,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        async pods(application) {
          const read = await ports.argocd.pods(application);
          if (!read.ok) return read;
          return {
            ok: true,
            value: await Promise.all(read.value.map((pod) => withDigestsOfTags(pod, ports))),
          };
        },
      },
    })),
  },
  {
    name: 'the workloads of a tag that stays the same are not restarted',
    promise: 3,
    says: /has the outcome failed/,
    change: change((ports) => ({
      argocd: { ...ports.argocd, restart: async () => ({ ok: true, value: undefined }) },
    })),
  },
  {
    name: 'the image is not set on the Application',
    promise: 3,
    shownBy: 12,
    says: /has the outcome failed/,
    change: change((ports) => ({
      argocd: { ...ports.argocd, setImages: async () => ({ ok: true, value: undefined }) },
    })),
  },
  {
    name: 'manifests that name the image after the first sync are not synced again',
    promise: 3,
    shownBy: 79,
    says: /has the outcome failed/,
    change: change((ports) => ({
      argocd: {
        ...ports.argocd,
        async read(application, options) {
          const read = await ports.argocd.read(application, options);
          return read.ok && read.value.operation && read.value.sync === 'OutOfSync'
            ? {
                ok: true,
                value: { ...read.value, revisions: read.value.operation.revisions, sync: 'Synced' },
              }
            : read;
        },
      },
    })),
  },
  {
    name: 'failed builds are forgotten',
    promise: 9,
    says: /whose build failed, and no decision says so/,
    change: change((ports) => ({
      deploys: {
        ...ports.deploys,
        saveIf: ({ failedBuilds: _, ...record }, expected) => ports.deploys.saveIf(record, expected),
      },
    })),
  },
  {
    name: 'that a failed build is live is marked as reported, and not reported',
    promise: 9,
    says: /whose build failed, and no decision says so/,
    change: change((ports) => ({
      trail: {
        record: (decisions) => ports.trail.record(decisions.filter((made) => made['live'] !== true)),
      },
    })),
  },
  {
    name: 'a superseded commit is green at once',
    promise: 4,
    says: /is green for/,
    change: change((ports) => ({
      statuses: ports.statuses && {
        ...ports.statuses,
        add: (status, source) =>
          ports.statuses?.add(
            status.progress === 'superseded' ? { ...status, state: 'success' } : status,
            source,
          ),
      },
    })),
  },
  {
    name: 'the branch that an announcement names is not read',
    promise: 3,
    shownBy: 11,
    says: /is the newest of .*, and 1000 is recorded/,
    change: {
      mutateEvent(payload) {
        const { detail, ...event } = payload as { readonly detail?: object };
        return detail && 'run' in detail ? { ...event, detail: { ...detail, branch: 'develop' } } : payload;
      },
    },
  },
  {
    name: 'builds that announce themselves are not bound',
    promise: 3,
    change: {
      mutate: ({ ports, settings }) => ({
        ports,
        settings: { ...settings, builds: settings.builds.filter(({ announced }) => !announced) },
      }),
    },
  },
  {
    name: 'errors are logged and not reported',
    promise: 9,
    change: { mutatePass: (pass) => pass().catch(() => undefined) },
  },
];

function change(
  edit: (ports: BranchDeployPorts) => Partial<BranchDeployPorts>,
): Pick<DeployOptions, 'mutate'> {
  return {
    mutate: ({ ports, settings }: Program) => ({ settings, ports: { ...ports, ...edit(ports) } }),
  };
}

async function withDigestsOfTags(pod: LivePod, { registry }: BranchDeployPorts): Promise<LivePod> {
  const digestsOf = async (image: string) => {
    const [, repository = '', version = ''] = /^(.+):([^:]+)$/.exec(image) ?? [];
    return (await registry.digests({ repository, version })) ?? [];
  };
  const containers = pod.containers.map(async (container) => ({
    ...container,
    digests: await digestsOf(container.image),
  }));
  return { ...pod, containers: await Promise.all(containers) };
}

function withoutImages(settings: BranchDeploySettings): BranchDeploySettings {
  const builds = settings.builds.map((binding) => ({
    ...binding,
    applications: binding.applications.map(({ images: _, bring: __, ...application }) => application),
  }));
  return { ...settings, builds };
}

/** As if the manifests were in the repository that is built, whatever its commit. */
function asOneRepository(ports: BranchDeployPorts): BranchDeployPorts {
  return {
    ...ports,
    builds: {
      ...ports.builds,
      async read(ids) {
        const read = await ports.builds.read(ids);
        return read.map(({ resolvedSourceVersion: _, ...build }) => build);
      },
    },
    argocd: {
      ...ports.argocd,
      async read(application, options) {
        const read = await ports.argocd.read(application, options);
        if (!read.ok) return read;
        const sources = read.value.sources.map(() => ({ repository: REPOSITORY, targetRevision: 'develop' }));
        return { ok: true, value: { ...read.value, sources } };
      },
    },
  };
}

/** As if no operation ran. */
function withoutOperation({ operation: _, status, ...rest }: ApplicationObject): ApplicationObject {
  const { operationState, ...left } = status ?? {};
  const isOver = operationState?.finishedAt !== undefined;
  return { ...rest, status: isOver ? { ...left, operationState } : left };
}

function asIfDone(read: Result<ApplicationView>): Result<ApplicationView> {
  if (!read.ok || !read.value.operation) return read;
  const { value } = read;
  return {
    ok: true,
    value: {
      ...value,
      sync: 'Synced',
      health: 'Healthy',
      operation: { ...read.value.operation, phase: 'Succeeded' },
    },
  };
}
