/** An Argo CD with everything around it that a behaviour needs: a real one, or the lab's. */
import type { ArgocdOverview } from '#cli/argocd-overview.ts';
import type { HttpReply } from '#functions/adapters/http.ts';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import type { ApplicationSettings } from '#model/settings.ts';

export interface Stage {
  /** Name and version. */
  readonly software: string;
  /** The repository of every application. */
  readonly repository: string;

  addProject(project: NewProject): Promise<void>;
  /** Each application has a branch of its own name, at a first commit, and is not synced yet. */
  addApplication(application: NewApplication): Promise<void>;
  editApplication(name: string, change: { readonly branch?: string }): Promise<void>;
  /** Asks for its deletion, which does not come to an end. */
  deleteApplication(name: string): Promise<void>;
  /** A new commit with a new image of the application's Deployment; its hash. */
  push(branch: string): Promise<string>;
  head(branch: string): Promise<string>;
  /** The tag of the image in the newest commit. */
  tagOf(branch: string): Promise<string>;
  /** A new commit without the extra Deployment. */
  dropExtra(application: string): Promise<string>;
  addSyncWindow(project: string, window: SyncWindow): Promise<void>;
  /** What becomes of its pods after an update. `soon` from the start. */
  rollout(application: string, how: 'soon' | 'never' | 'fails'): Promise<void>;

  /** `argocd proj role create-token`; with an expiry in seconds. */
  projectToken(project: string, role: string, expiresIn?: number): Promise<string>;
  accountToken(account: (typeof ACCOUNTS)[number]): Promise<string>;
  revoke(project: string, role: string, token: string): Promise<void>;
  /** A person who is the administrator. */
  syncAsAdmin(application: string): Promise<void>;
  terminateAsAdmin(application: string): Promise<void>;

  /** Its API server, and the PEM of the CA of its certificate. */
  readonly endpoint: { readonly url: string; readonly ca: string };
  /** Our adapters. All are closed with the stage. */
  server(token: string): Argocd;
  overview(token: string): ArgocdOverview;
  /** Through the Kubernetes API, as `manifests/argocd/branch-deploy.yaml` allows it, or with `get` alone. */
  objects(as?: 'branch-deploy' | 'reader'): Argocd;
  /** One request to the API server, as it is. */
  ask(request: {
    readonly method?: 'GET' | 'POST' | 'DELETE';
    readonly path: string;
    readonly token?: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  }): Promise<HttpReply>;
  /** The Application as the Kubernetes API has it. */
  object(name: string, namespace?: string): Promise<ApplicationJson>;

  /** A merge patch of it, as the cluster's administrator. */
  patchObject(name: string, patch: object): Promise<void>;

  now(): Date;
  pause(ms: number): Promise<void>;
  /** Looks again and again; throws when it is not so after so many seconds. */
  until<T>(what: string, look: () => Promise<T | undefined | false>, seconds?: number): Promise<T>;
  /** Ends the API server, as its pod ends when its node goes. */
  stopServer(): Promise<void>;
  close(): Promise<void>;
}

export interface NewProject {
  readonly name: string;
  /** By role, actions on all its applications. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  readonly syncWindows?: readonly SyncWindow[];
  /** Namespaces that its applications may be in, beside Argo CD's. */
  readonly sourceNamespaces?: readonly string[];
}

export interface SyncWindow {
  readonly kind: 'allow' | 'deny';
  readonly schedule: string;
  readonly duration: string;
  readonly applications: readonly string[];
  readonly manualSync?: boolean;
}

export interface NewApplication {
  readonly name: string;
  /** Default `develop`. */
  readonly project?: string;
  /** Default: Argo CD's. */
  readonly namespace?: string;
  /** Default: the application's name. */
  readonly branch?: string;
  readonly autoSync?: { readonly prune?: boolean; readonly selfHeal?: boolean };
  readonly syncOptions?: readonly string[];
  readonly retry?: { readonly limit: number; readonly backoff: { readonly duration: string } };
  /** A Job has to end before anything is applied; there is no node for it. */
  readonly hook?: boolean;
  /** A webhook has to admit its objects; no pod answers for it. */
  readonly webhook?: boolean;
  /** A second source, a branch with `-2` behind its name. */
  readonly secondSource?: boolean;
  /** It has a second Deployment, `<name>-extra`. */
  readonly extra?: boolean;
  /** Its Deployment is paused. */
  readonly paused?: boolean;
  /** Its source is a kustomization, whose image can be set on the Application. */
  readonly kustomize?: boolean;
  /** Its source is a chart, whose image tag is the parameter `image.tag`. */
  readonly helm?: boolean;
}

/** What is read of an Application beyond what the adapters tell. */
export interface ApplicationJson {
  readonly spec?: {
    readonly source?: {
      readonly targetRevision?: string;
      readonly kustomize?: { readonly images?: readonly string[] };
      readonly helm?: { readonly parameters?: readonly { readonly name: string; readonly value: string }[] };
    };
    readonly sourceHydrator?: object;
  };
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly operation?: OperationJson;
  readonly status?: {
    readonly sync?: { readonly status: string };
    readonly health?: { readonly status: string };
    readonly reconciledAt?: string;
    readonly conditions?: readonly { readonly type: string; readonly message: string }[];
    readonly operationState?: {
      readonly operation: OperationJson;
      readonly phase: string;
      readonly message?: string;
      readonly finishedAt?: string;
      readonly retryCount?: number;
      readonly syncResult?: { readonly revision?: string };
    };
    readonly history?: readonly { readonly revision?: string }[];
  };
}

interface OperationJson {
  readonly info?: readonly { readonly name: string; readonly value: string }[];
  readonly sync?: {
    readonly revision?: string;
    readonly prune?: boolean;
    readonly syncOptions?: readonly string[];
  };
  readonly retry?: { readonly limit?: number };
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
}

/** The project of `manifests/argocd/project.yaml`, which every stage has, and its role. */
export const PROJECT = 'develop';
export const ROLE = 'nightshift';
/** Namespaces of applications, beside `argocd`. */
export const TEAMS = 'teams';
/** Where applications are deployed to. */
export const DESTINATION = 'app';
/** Local accounts: one may sync in every project, one may nothing. */
export const ACCOUNTS = ['deployer', 'nobody'] as const;
export const POLICIES = [
  'p, deployer, applications, get, */*, allow',
  'p, deployer, applications, sync, */*, allow',
];
export const DEPLOYMENT_REPLICAS = 1;
/** Of the image of an application's Deployment; its tag changes with each push. */
export const imageRepositoryOf = (application: string) => `example/${application}`;

export function settingsOf(
  application: Partial<ApplicationSettings> & { name: string },
): ApplicationSettings {
  return { project: PROJECT, prune: false, syncOptions: [], ...application };
}

/** Those that every stage has beside `develop`. */
export const PROJECTS: readonly NewProject[] = [
  { name: 'others', roles: { reader: ['get'], former: ['get'] } },
  { name: 'windows', roles: { [ROLE]: ['get', 'sync'] } },
  {
    name: 'images',
    roles: {
      [ROLE]: ['get', 'sync', 'update', 'action/apps/Deployment/restart'],
      'sync-only': ['get', 'sync'],
    },
  },
  { name: 'team', roles: { [ROLE]: ['get', 'sync'] }, sourceNamespaces: [TEAMS] },
  {
    name: 'frozen',
    roles: { [ROLE]: ['get', 'sync'], reader: ['get'] },
    syncWindows: [
      { kind: 'deny', schedule: '* * * * *', duration: '1h', applications: ['*-frozen'] },
      { kind: 'deny', schedule: '* * * * *', duration: '1h', applications: ['r-by-hand'], manualSync: true },
    ],
  },
];
