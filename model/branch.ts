/**
 * Which branch a CodeBuild build was of, and whether a binding allows it. Names of branches are compared
 * exactly: case and slashes count, `Develop` and `feature/develop` are not `develop`.
 */

/** The source of a build. All of it comes from CodeBuild; `exported` can be set by the build itself. */
export interface BuildSource {
  /** It announced itself, so no webhook started it: IAM decides who may announce it. */
  readonly announced?: boolean;
  /** Who started the build: a user, `codepipeline/x`, or the user agent of a webhook. */
  readonly initiator: string;
  /** The repository's URL as CodeBuild knows it. */
  readonly location: string;
  /** What was requested: a branch, a commit, `pr/7`, `refs/tags/v1`, an ARN … */
  readonly sourceVersion?: string;
  /** The commit that it was resolved to. */
  readonly resolvedSourceVersion?: string;
  /** `exportedEnvironmentVariables` of the build: they may refuse a build, never allow one. */
  readonly exported?: Readonly<Record<string, string>>;
}

export interface BranchBinding {
  readonly repository: string;
  readonly branch: string;
}

export type BranchMatch =
  | { readonly matches: true; readonly branch: string; readonly sha?: string }
  | {
      readonly matches: false;
      /** `ignore`: not a build of a push. `refuse`: a rule does not allow to deploy it. */
      readonly action: 'ignore' | 'refuse';
      readonly reason: string;
    };

/**
 * What CodeBuild calls the initiator of a build that a webhook of GitHub, GitLab or Bitbucket started: the user agent, with
 * its version. A user's or a pipeline's name has no such form. A role with that name, in a session with that name, has:
 * CodeBuild shows nothing else that would tell them apart, so who may start builds may deploy (docs/security.md).
 */
const WEBHOOK =
  /^(GitHub-Hookshot\/[0-9a-f]{1,40}|GitLab\/\d+(\.\d+)+(-[a-z]{2,3})?|Bitbucket-Webhooks\/\d+(\.\d+)*)$/;
/** SHA-1, or SHA-256 in repositories that use it. */
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
const BRANCH_AT_COMMIT = /^(.+)\^\{([0-9a-f]{40}|[0-9a-f]{64})\}$/;
const HEADS = 'refs/heads/';

/** Whether the build is of the bound branch: checks the initiator, the repository, the source version, what was exported. */
export function matchBranch(binding: BranchBinding, build: BuildSource): BranchMatch {
  if (!build.announced && !WEBHOOK.test(build.initiator)) {
    return ignore(`it was started by ${quoted(build.initiator)}, not by a webhook`);
  }
  // Without TLS anybody on the way could have served the code.
  if (!isBuiltFrom(build.location, binding.repository) || /^http:/i.test(build.location)) {
    const location = build.location.replace(/\/\/[^/@]*@/, '//');
    return refuse(`it was built from ${quoted(location)}, and ${binding.repository} is bound`);
  }
  const version = readVersion(build.sourceVersion);
  if (version.kind === 'other') return refuse(`its source version is ${version.what}, not a branch`);
  if (version.kind === 'branch' && version.branch !== binding.branch) {
    return refuse(`its branch is ${quoted(version.branch)}, and ${quoted(binding.branch)} is bound`);
  }
  const contradiction = contradictionOf(binding.branch, build.exported ?? {});
  if (contradiction) return refuse(contradiction);

  const sha = version.sha ?? commitOf(build.resolvedSourceVersion);
  return { matches: true, branch: binding.branch, ...(sha ? { sha } : {}) };
}

/**
 * Two addresses of one repository. As Argo CD compares them for its webhooks: the scheme, the user, the port, `.git` and the
 * case do not matter.
 */
export function sameRepository(one: string, other: string): boolean {
  const [a, b] = [addressOf(one), addressOf(other)];
  if (!a || !b) return one.trim() === other.trim();
  return a.host === b.host && a.path === b.path;
}

/** Where a build took its code from is held to more: another web server of the same host may serve other code. */
export function isBuiltFrom(location: string, repository: string): boolean {
  const [one, other] = [addressOf(location)?.port, addressOf(repository)?.port];
  const samePort = one === other || one === undefined || other === undefined;
  return samePort && sameRepository(location, repository);
}

interface Address {
  readonly host: string;
  readonly path: string;
  /** Absent for SSH: its port says nothing about the web server's. */
  readonly port?: string;
}

/** `git@host:path`, which is no URL. A path that begins with `//` belongs to a URL. */
const SCP = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)(.+)$/;
/** The hosts that serve SSH on port 443: `ssh.github.com`, `altssh.gitlab.com`. */
const SSH_HOST = /^(alt)?ssh\./;

function addressOf(text: string): Address | undefined {
  const trimmed = text.trim().replace(/^git\+/i, '');
  const scp = SCP.exec(trimmed);
  const url = URL.parse(scp ? `ssh://${scp[1]}/${scp[2]}` : trimmed);
  if (!url?.hostname) return undefined;
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const host = url.hostname.toLowerCase();
  return {
    host: isWeb ? host : host.replace(SSH_HOST, ''),
    path: pathOf(url.pathname),
    ...(isWeb && { port: url.port }),
  };
}

function pathOf(pathname: string): string {
  const path = decoded(pathname).toLowerCase();
  return (
    path
      .replace(/\/+/g, '/')
      .replace(/^\/|\/$/g, '')
      .replace(/\.git$/, '')
      // Azure DevOps: `v3/org/project/repo` by SSH is `org/project/_git/repo` on the web.
      .replace(/^v3\/([^/]+)\/([^/]+)\/([^/]+)$/, '$1/$2/_git/$3')
  );
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

type Version =
  | { kind: 'unnamed'; sha?: string }
  | { kind: 'branch'; branch: string; sha?: string }
  | { kind: 'other'; what: string };

function readVersion(text: string | undefined): Version {
  if (!text) return { kind: 'unnamed' };
  if (COMMIT.test(text)) return { kind: 'unnamed', sha: text };
  const [, name = text, sha] = BRANCH_AT_COMMIT.exec(text) ?? [];
  if (/^(pr\/|refs\/(pull|merge-requests|pull-requests)\/)/.test(name)) {
    return { kind: 'other', what: `the pull request ${quoted(name)}` };
  }
  if (/^(refs\/tags\/|tag\/)/.test(name)) return { kind: 'other', what: `the tag ${quoted(name)}` };
  if (name.startsWith('arn:')) return { kind: 'other', what: `the archive ${quoted(name)}` };
  if (name.startsWith('refs/') && !name.startsWith(HEADS)) return { kind: 'other', what: quoted(name) };
  const branch = name.startsWith(HEADS) ? name.slice(HEADS.length) : name;
  return { kind: 'branch', branch, ...(sha ? { sha } : {}) };
}

function contradictionOf(branch: string, exported: Readonly<Record<string, string>>): string | undefined {
  const trigger = exported['CODEBUILD_WEBHOOK_TRIGGER'];
  if (trigger && trigger !== `branch/${branch}`) return `its webhook trigger was ${quoted(trigger)}`;
  const head = exported['CODEBUILD_WEBHOOK_HEAD_REF'];
  if (head && head !== HEADS + branch) return `its head ref was ${quoted(head)}`;
  return undefined;
}

function commitOf(version: string | undefined): string | undefined {
  return version && COMMIT.test(version) ? version : undefined;
}

/** Text of others, cut where it is long. */
function quoted(text: string): string {
  return `"${text.length > 120 ? `${text.slice(0, 120)}…` : text}"`;
}

const ignore = (reason: string): BranchMatch => ({ matches: false, action: 'ignore', reason });
const refuse = (reason: string): BranchMatch => ({ matches: false, action: 'refuse', reason });
